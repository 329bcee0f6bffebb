/**
 * What a run leaves on a Hadoop file system, so that it can be trusted: checkpoints that are whole
 * or do not count, a lock that keeps two runs apart, and output directories that are committed as a
 * whole. Nothing here renames a directory, since object stores cannot.
 */
package org.talespark.jobs.checkpoint;
