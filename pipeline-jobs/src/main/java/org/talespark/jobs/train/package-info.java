/**
 * Distributed training: a job on the driver, a worker in each task of a barrier stage, the order in
 * which samples are seen, and what a run leaves behind.
 */
package org.talespark.jobs.train;
