/** The commands {@code bench ...}. */
package org.talespark.jobs.bench;
