/** The preflight of machine, cluster, native libraries and permissions. */
package org.talespark.jobs.doctor;
