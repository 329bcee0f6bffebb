/** Commands that make corpora and prepare them. */
package org.talespark.jobs.corpus;
