package org.talespark.jobs.train;

/** Seeds of generators that must not depend on each other, made from one seed and a place. */
final class Seeds {
  private static final long GOLDEN = 0x9e3779b97f4a7c15L;

  private Seeds() {}

  /** A seed for the place that these numbers name; other numbers give unrelated seeds. */
  static long of(long seed, long... place) {
    long state = mix(seed + GOLDEN);
    for (long number : place) {
      state = mix(state + GOLDEN * (number + 1));
    }
    return state;
  }

  /** The finalizer of SplitMix64 (Steele, Lea and Flood 2014): every bit depends on every other. */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
