/** Measures trained models on held-out samples, and generated pictures against their prompts. */
package org.talespark.jobs.evaluate;
