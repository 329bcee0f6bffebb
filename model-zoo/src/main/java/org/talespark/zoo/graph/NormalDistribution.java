package org.talespark.zoo.graph;

/**
 * The standard normal distribution over blocks of floats, in loops that the JIT compiler
 * vectorises: probabilities by formula 26.2.17 of Abramowitz and Stegun, whose error is below
 * 7.5e-8, and densities.
 *
 * <p>An instance has its own scratch memory and is for one thread.
 */
final class NormalDistribution {
  /** Elements that one call may have. */
  static final int BLOCK = FastExp.BLOCK;

  private static final float DENSITY_AT_ZERO = 0.3989423f; // 1 / sqrt(2 pi)

  private final FastExp exp = new FastExp();

  /**
   * Phi(x), the probability of a value below x, and phi(x), its density, of {@code n} elements; n
   * is at most {@value #BLOCK}.
   */
  void apply(float[] x, float[] probability, float[] density, int n) {
    for (int i = 0; i < n; i++) {
      density[i] = -0.5f * x[i] * x[i];
    }
    exp.apply(density, 0, n);
    for (int i = 0; i < n; i++) {
      density[i] *= DENSITY_AT_ZERO;
    }
    for (int i = 0; i < n; i++) {
      float t = 1 / (1 + 0.2316419f * Math.abs(x[i]));
      float tail =
          density[i]
              * t
              * (0.31938154f
                  + t * (-0.35656378f + t * (1.781478f + t * (-1.8212559f + t * 1.3302745f))));
      float side = Math.max(-1, Math.min(1, x[i] * 1e30f)); // the sign of x, without a branch
      probability[i] = 0.5f + side * (0.5f - tail);
    }
  }
}
