/**
 * What can be watched of a run from outside: gauges in Spark's metrics system, labels in its user
 * interface, and an experiment tracker. None of it can fail or slow a run.
 */
package org.talespark.jobs.metrics;
