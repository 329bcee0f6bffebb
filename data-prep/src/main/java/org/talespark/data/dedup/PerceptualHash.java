package org.talespark.data.dedup;

import java.util.Arrays;

/**
 * The perceptual hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash
 * Functions" (2010), section 3.2.1: the signs of the lowest frequencies against their median.
 *
 * <p>Deviations: all of the low 8x8 block but the constant term counts, also its first row and
 * column, which hold most of what pictures are made of; and a coefficient sets its bit only when it
 * is above the median by {@link #MARGIN}, so that frequencies that a picture does not have (in
 * plain areas, symmetric drawings, gradients) give the same bits in every copy instead of noise.
 */
final class PerceptualHash {

  static final int SIDE = 32;
  private static final int LOW = 8;

  /** In grey levels times 32, the scale of an orthonormal transform of 32x32. */
  private static final double MARGIN = 32;

  /** Rows of the orthonormal DCT-II: {@code [frequency * SIDE + position]}. */
  private static final double[] BASIS = basis();

  private PerceptualHash() {}

  private static double[] basis() {
    double[] basis = new double[LOW * SIDE];
    for (int k = 0; k < LOW; k++) {
      double scale = StrictMath.sqrt((k == 0 ? 1.0 : 2.0) / SIDE);
      for (int n = 0; n < SIDE; n++) {
        basis[k * SIDE + n] = scale * StrictMath.cos(Math.PI * (2 * n + 1) * k / (2 * SIDE));
      }
    }
    return basis;
  }

  /** Bit {@code 8 * row + column} for each frequency; bit 0 is always clear. */
  static long of(double[] luma) {
    double[] rows = new double[SIDE * LOW];
    for (int y = 0; y < SIDE; y++) {
      for (int k = 0; k < LOW; k++) {
        double sum = 0;
        for (int x = 0; x < SIDE; x++) {
          sum += BASIS[k * SIDE + x] * luma[y * SIDE + x];
        }
        rows[y * LOW + k] = sum;
      }
    }
    double[] low = new double[LOW * LOW];
    for (int v = 0; v < LOW; v++) {
      for (int k = 0; k < LOW; k++) {
        double sum = 0;
        for (int y = 0; y < SIDE; y++) {
          sum += BASIS[v * SIDE + y] * rows[y * LOW + k];
        }
        low[v * LOW + k] = sum;
      }
    }
    double[] sorted = Arrays.copyOfRange(low, 1, low.length);
    Arrays.sort(sorted);
    double threshold = sorted[sorted.length / 2] + MARGIN;
    long hash = 0;
    for (int i = 1; i < low.length; i++) {
      if (low[i] > threshold) {
        hash |= 1L << i;
      }
    }
    return hash;
  }
}
