/** Metrics of a run, and pages that show them: one file each, readable without a network. */
package org.talespark.jobs.report;
