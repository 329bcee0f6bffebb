package org.talespark.zoo.diffusion;

import java.util.Arrays;

/**
 * Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598): the difference that the
 * context makes, scaled.
 *
 * <pre>
 *   guided = unconditional + scale (conditional - unconditional)
 * </pre>
 *
 * Scale 1 is the conditional prediction and 0 the unconditional one, to the bit, at the cost of one
 * evaluation instead of two.
 */
public final class Guidance {
  private Guidance() {}

  /**
   * Guides one prediction away from another.
   *
   * @param scale 0 or more; above 1 the context counts more than it did in training
   */
  public static Denoise of(Denoise conditional, Denoise unconditional, double scale) {
    if (!(scale >= 0) || scale == Double.POSITIVE_INFINITY) {
      throw new IllegalArgumentException(
          "Cannot guide: guidance=%s, expected a number of 0 or more".formatted(scale));
    }
    if (scale == 1) {
      return conditional;
    }
    if (scale == 0) {
      return unconditional;
    }
    Mix mix = new Mix(1 - scale, scale);
    return (samples, timestep) -> {
      // both may answer in the same array
      float[] guided = Arrays.copyOf(unconditional.predict(samples, timestep), samples.length);
      mix.of(guided, conditional.predict(samples, timestep), guided);
      return guided;
    };
  }
}
