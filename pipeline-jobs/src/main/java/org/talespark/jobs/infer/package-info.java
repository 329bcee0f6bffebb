/** Jobs that use trained models. */
package org.talespark.jobs.infer;
