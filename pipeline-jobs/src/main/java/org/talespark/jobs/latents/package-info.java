/** Datasets as latents of a first stage. */
package org.talespark.jobs.latents;
