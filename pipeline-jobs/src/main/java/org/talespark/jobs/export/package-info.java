/** Trained models in the layouts of other libraries. */
package org.talespark.jobs.export;
