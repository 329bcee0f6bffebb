package org.talespark.data.image;

import java.util.Arrays;

/**
 * From the coefficients of a JPEG block to the means of its parts: what the full inverse transform
 * followed by averaging gives, but for clamping. With {@code n} parts a side, the mean of part
 * {@code j} of the basis function of frequency {@code u} is {@code n/8 * sum of c(u)/2 * cos((2i+1)
 * u pi / 16)} over its samples i (ITU-T T.81, A.3.3).
 */
final class BlockScaler {

  /** Row and column of the k-th coefficient. */
  private static final int[] NATURAL = {
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63
  };

  /** Two by two parts: three sums share a long, each in a lane of this many bits. */
  private static final int LANE = 21;

  private static final float UNIT = 256;

  /** By the logarithm of the parts: for a frequency, its share in each of them. */
  private static final float[][] MEANS = {means(1), means(2), means(4), means(8)};

  private final int across;
  private final int down;
  private final float mean;

  /** For k: its share in rows, quantisation included: [64][down]. */
  private final float[] rows;

  /** For a frequency: its share in columns: [8][across]. */
  private final float[] columns;

  /** For k: its weight in its lane; zero for those that a half does not see. */
  private final long[] lanes = new long[64];

  private final float[] sums;

  /**
   * A scaler of all blocks of a component.
   *
   * @param across parts of a block, horizontally: 1, 2, 4 or 8
   * @param down parts of a block, vertically
   */
  BlockScaler(int[] quantisation, int across, int down) {
    this.across = across;
    this.down = down;
    this.mean = quantisation[0] / 8f;
    this.rows = new float[64 * down];
    this.columns = MEANS[Integer.numberOfTrailingZeros(across)];
    this.sums = new float[8 * down];
    float[] vertical = MEANS[Integer.numberOfTrailingZeros(down)];
    for (int k = 1; k < 64; k++) {
      int u = NATURAL[k] % 8;
      int v = NATURAL[k] / 8;
      for (int j = 0; j < down; j++) {
        rows[k * down + j] = quantisation[k] * vertical[v * down + j];
      }
      if (across == 2 && down == 2) {
        int lane = v == 0 ? 0 : u == 0 ? 1 : 2;
        float weight = quantisation[k] * columns[2 * u] * vertical[2 * v];
        lanes[k] = (long) Math.round(weight * UNIT) << (LANE * lane);
      }
    }
  }

  private static float[] means(int parts) {
    float[] means = new float[8 * parts];
    for (int u = 0; u < 8; u++) {
      double scale = u == 0 ? Math.sqrt(0.5) / 2 : 0.5;
      for (int i = 0; i < 8; i++) {
        means[u * parts + i * parts / 8] +=
            (float) (scale * Math.cos((2 * i + 1) * u * Math.PI / 16) * parts / 8);
      }
    }
    return means;
  }

  /** Row times 8 plus column of the k-th coefficient (ITU-T T.81, figure 5). */
  static int natural(int k) {
    return NATURAL[k];
  }

  int across() {
    return across;
  }

  int down() {
    return down;
  }

  /**
   * Reads a block and writes its parts.
   *
   * @param before the first coefficient of the block before
   * @param rows of the plane
   * @param top the row of the first part
   * @param left the column of the first part
   * @return the first coefficient, not multiplied
   */
  int write(JpegBits bits, JpegPairs tables, int before, float[][] rows, int top, int left) {
    if (across == down && across <= 2) {
      long sum = bits.sum(tables, lanes);
      int dc = before + bits.difference;
      float level = dc * mean + 128;
      if (across == 1) {
        rows[top][left] = level;
      } else {
        quarters(level, sum, rows[top], rows[top + 1], left);
      }
      return dc;
    }
    int number = bits.block(tables);
    int dc = before + bits.difference;
    if (across == 4 && down == 4) {
      float level = dc * mean + 128;
      if (number <= 1) { // most blocks of chroma
        sixteenths(level, number == 0 ? 0 : bits.coefficients[0], rows, top, left);
      } else {
        sixteenths(level, bits.coefficients, number, rows, top, left);
      }
    } else {
      parts(dc * mean + 128, bits.coefficients, number, rows, top, left);
    }
    return dc;
  }

  /**
   * Reads a block of which only the first coefficient is wanted.
   *
   * @return the first coefficient
   */
  static int skip(JpegBits bits, JpegPairs tables, int before) {
    bits.skip(tables);
    return before + bits.difference;
  }

  /** From three sums in lanes to two by two parts. */
  private static void quarters(float level, long sums, float[] upper, float[] lower, int left) {
    int shift = 64 - LANE;
    long sideways = sums << shift >> shift;
    long rest = (sums - sideways) >> LANE;
    long upright = rest << shift >> shift;
    float h = sideways / UNIT;
    float v = upright / UNIT;
    float d = ((rest - upright) >> LANE) / UNIT;
    upper[left] = level + h + v + d;
    upper[left + 1] = level - h + v - d;
    lower[left] = level + h - v - d;
    lower[left + 1] = level - h - v + d;
  }

  private void parts(float level, int[] found, int number, float[][] plane, int top, int left) {
    int seen = 0;
    for (int n = 0; n < number; n++) {
      int k = found[n] & 63;
      int u = NATURAL[k] & 7;
      float value = found[n] >> 16;
      seen |= 1 << u;
      for (int j = 0; j < down; j++) {
        sums[u * down + j] += value * rows[k * down + j];
      }
    }
    for (int j = 0; j < down; j++) {
      Arrays.fill(plane[top + j], left, left + across, level);
    }
    while (seen != 0) {
      int u = Integer.numberOfTrailingZeros(seen);
      seen &= seen - 1;
      for (int j = 0; j < down; j++) {
        float sum = sums[u * down + j];
        sums[u * down + j] = 0;
        for (int i = 0; i < across; i++) {
          plane[top + j][left + i] += sum * columns[u * across + i];
        }
      }
    }
  }

  /** Four by four parts, as halved chroma at a quarter needs them: the loops above, unrolled. */
  private void sixteenths(float level, int[] found, int number, float[][] plane, int top, int x) {
    float[] sums = this.sums;
    float[] rows = this.rows;
    float[] columns = this.columns;
    int seen = 0;
    for (int n = 0; n < number; n++) {
      int k = found[n] & 63;
      int u = NATURAL[k] & 7;
      float value = found[n] >> 16;
      seen |= 1 << u;
      sums[4 * u] += value * rows[4 * k];
      sums[4 * u + 1] += value * rows[4 * k + 1];
      sums[4 * u + 2] += value * rows[4 * k + 2];
      sums[4 * u + 3] += value * rows[4 * k + 3];
    }
    for (int j = 0; j < 4; j++) {
      float a = level;
      float b = level;
      float c = level;
      float d = level;
      for (int left = seen; left != 0; left &= left - 1) {
        int u = 4 * Integer.numberOfTrailingZeros(left);
        float sum = sums[u + j];
        sums[u + j] = 0;
        a += sum * columns[u];
        b += sum * columns[u + 1];
        c += sum * columns[u + 2];
        d += sum * columns[u + 3];
      }
      float[] out = plane[top + j];
      out[x] = a;
      out[x + 1] = b;
      out[x + 2] = c;
      out[x + 3] = d;
    }
  }

  /** The same of one coefficient. */
  private void sixteenths(float level, int found, float[][] plane, int top, int x) {
    int k = found & 63;
    int u = 4 * (NATURAL[k] & 7);
    float value = found >> 16;
    float a = columns[u];
    float b = columns[u + 1];
    float c = columns[u + 2];
    float d = columns[u + 3];
    for (int j = 0; j < 4; j++) {
      float sum = value * rows[4 * k + j];
      float[] out = plane[top + j];
      out[x] = level + sum * a;
      out[x + 1] = level + sum * b;
      out[x + 2] = level + sum * c;
      out[x + 3] = level + sum * d;
    }
  }
}
