/**
 * The command line. Every command is one {@link org.talespark.jobs.JobCommand} and one line in
 * {@link org.talespark.jobs.Talespark}.
 */
package org.talespark.jobs;
