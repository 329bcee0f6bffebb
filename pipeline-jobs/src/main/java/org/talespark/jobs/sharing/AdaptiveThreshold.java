package org.talespark.jobs.sharing;

/**
 * The threshold of one worker, moved after each update towards a share of elements that is sent, by
 * the rule of DL4J's {@code AdaptiveThresholdAlgorithm}: times the decay when fewer than the window
 * asks for were sent, divided by it when more were.
 *
 * <p>What is used for encoding is the exact value rounded to eight significant bits. Then every
 * threshold is a multiple of the last place of any number up to 65,536 thresholds, and subtracting
 * it from such a number is exact: message and residual together are the update, bit for bit.
 */
final class AdaptiveThreshold {
  static final double LEAST = 0x1p-60;
  static final double MOST = 0x1p60;

  private static final int KEPT_BITS = 8;
  private static final int DROPPED = 24 - KEPT_BITS; // of a float's significand

  private final SharingConfig config;
  private double exact;

  AdaptiveThreshold(SharingConfig config) {
    this.config = config;
    this.exact = config.threshold();
  }

  /** Before rounding, what a checkpoint keeps. */
  double exact() {
    return exact;
  }

  void restore(double newExact) {
    if (!(newExact >= LEAST && newExact <= MOST)) {
      throw new IllegalArgumentException(
          "Cannot restore threshold: value=%s, expected 2^-60 to 2^60".formatted(newExact));
    }
    exact = newExact;
  }

  /** What is added or subtracted, above zero. */
  float value() {
    return rounded((float) exact);
  }

  /**
   * Takes note of an update.
   *
   * @param sparsity share of its elements that were sent
   */
  void sent(double sparsity) {
    if (sparsity < config.minSparsity()) {
      exact = Math.max(LEAST, exact * config.decay());
    } else if (sparsity > config.maxSparsity()) {
      exact = Math.min(MOST, exact / config.decay());
    }
  }

  /** To eight significant bits, half up. */
  static float rounded(float value) {
    int half = 1 << (DROPPED - 1);
    int bits = Float.floatToIntBits(value) + half;
    return Float.intBitsToFloat(bits & -(1 << DROPPED));
  }
}
