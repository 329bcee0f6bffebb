/** The whole pipeline on a generated corpus. */
package org.talespark.jobs.demo;
