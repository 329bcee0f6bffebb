/** Diffusion models: schedules of noise, what a network predicts, samplers, training. */
package org.talespark.zoo.diffusion;
