package org.talespark.zoo.diffusion;

/** A network, with whatever it is conditioned on, at work on one batch. */
@FunctionalInterface
public interface Denoise {
  /**
   * What it predicts of a batch at one timestep.
   *
   * @param samples [B, n], to be left as they are
   * @return [B, n], what the model's {@link Prediction} says; the next call may overwrite it
   */
  float[] predict(float[] samples, int timestep);
}
