/**
 * Starts Spark: on the cluster that spark-submit names, or embedded on this machine with executors
 * as processes of their own.
 */
package org.talespark.jobs.cluster;
