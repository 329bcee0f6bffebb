package org.talespark.data.scenes;

import java.util.List;

/**
 * Reproducible choices: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), spelled out here so that a
 * seed means the same on every Java release.
 */
final class Dice {

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  private Dice(long state) {
    this.state = state;
  }

  /** The stream of one purpose: pages and stories each have their own, so order never matters. */
  static Dice of(long seed, String purpose, long number) {
    long state = mix(seed + GOLDEN_GAMMA);
    for (int i = 0; i < purpose.length(); i++) {
      state = mix(state ^ (purpose.charAt(i) + GOLDEN_GAMMA));
    }
    return new Dice(mix(state ^ mix(number + GOLDEN_GAMMA)));
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  private long next() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  /** Uniform in [0, bound). */
  int below(int bound) {
    return (int) Long.remainderUnsigned(next(), bound);
  }

  /** Uniform in [low, high). */
  double between(double low, double high) {
    return low + (high - low) * ((next() >>> 11) * 0x1.0p-53);
  }

  boolean chance(double probability) {
    return between(0, 1) < probability;
  }

  <T> T pick(List<T> choices) {
    return choices.get(below(choices.size()));
  }

  @SafeVarargs
  final <T> T pick(T... choices) {
    return choices[below(choices.length)];
  }
}
