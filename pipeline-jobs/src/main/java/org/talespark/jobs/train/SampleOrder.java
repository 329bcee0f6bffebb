package org.talespark.jobs.train;

import java.util.SplittableRandom;

/**
 * The order in which a run sees its samples: one endless sequence, a new seeded permutation each
 * epoch. Step t of a run with global batch G takes positions t G to t G + G - 1, and worker r the
 * r-th part of them; so the samples of a step do not depend on the number of workers, and a
 * position alone is enough to go on from.
 */
final class SampleOrder {
  private final int samples;
  private final long seed;
  private long epoch = -1;
  private int[] permutation;

  SampleOrder(int samples, long seed) {
    if (samples < 1) {
      throw new IllegalArgumentException(
          "Cannot order samples: samples=%d, expected at least 1".formatted(samples));
    }
    this.samples = samples;
    this.seed = seed;
  }

  /** The sample at a position of the sequence. */
  int at(long position) {
    long wanted = position / samples;
    if (wanted != epoch) {
      permutation = permutation(wanted);
      epoch = wanted;
    }
    return permutation[(int) (position % samples)];
  }

  /** Whether the sample at a position is mirrored. */
  boolean flipped(long position) {
    return new SplittableRandom(seed ^ (position * 0x9e3779b97f4a7c15L)).nextBoolean();
  }

  private int[] permutation(long wanted) {
    int[] order = new int[samples];
    SplittableRandom random = new SplittableRandom(seed * 31 + wanted);
    for (int i = 0; i < samples; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }
}
