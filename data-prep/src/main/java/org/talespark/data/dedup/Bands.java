package org.talespark.data.dedup;

/**
 * Hashes cut into bands: {@code maxDistance} differing bits cannot touch all of {@code maxDistance
 * + 1} bands, so two hashes within that distance agree in at least one.
 */
final class Bands {

  /** The largest distance that can be asked for: nine bands of seven bits. */
  static final int MOST_DISTANCE = 8;

  private Bands() {}

  static void check(int maxDistance) {
    if (maxDistance < 0 || maxDistance > MOST_DISTANCE) {
      throw new IllegalArgumentException(
          "Cannot find near duplicates: max_distance=%d, expected 0 to %d"
              .formatted(maxDistance, MOST_DISTANCE));
    }
  }

  /** The bits of band {@code index} of {@code count}, in their places. */
  static long bits(long hash, int index, int count) {
    int from = Long.SIZE * index / count;
    int to = Long.SIZE * (index + 1) / count;
    long mask = to - from == Long.SIZE ? -1L : ((1L << (to - from)) - 1) << from;
    return hash & mask;
  }

  /** The first band in which the hashes agree, -1 when there is none. */
  static int firstCommon(long a, long b, int count) {
    for (int i = 0; i < count; i++) {
      if (bits(a ^ b, i, count) == 0) {
        return i;
      }
    }
    return -1;
  }
}
