package org.talespark.data.image;

/**
 * The cosine transform of 8x8 blocks by the algorithm of Arai, Agui and Nakajima (1988): five
 * multiplications a row, the rest of them left to quantisation as {@link #scale}. Works on the
 * samples of one place of all blocks at a time, so that its loop is compiled to vector
 * instructions.
 */
final class ForwardDct {

  private static final float C2 = 1.306563f;
  private static final float C4 = 0.70710677f;
  private static final float C6 = 0.38268343f;
  private static final float C2_MINUS_C6 = 0.5411961f;

  private ForwardDct() {}

  /** What row or column {@code u} of the result is too large by, times the square root of 8. */
  static double scale(int u) {
    return u == 0 ? 1 : Math.sqrt(2) * Math.cos(u * Math.PI / 16);
  }

  /**
   * Transforms blocks in place.
   *
   * @param places by {@code 8 * row + column}, the samples that all blocks have there
   * @param count of blocks
   */
  static void apply(float[][] places, int count) {
    for (int i = 0; i < 8; i++) {
      eight(places, i, 8, count);
    }
    for (int i = 0; i < 64; i += 8) {
      eight(places, i, 1, count);
    }
  }

  private static void eight(float[][] p, int at, int step, int count) {
    eight(
        p[at],
        p[at + step],
        p[at + 2 * step],
        p[at + 3 * step],
        p[at + 4 * step],
        p[at + 5 * step],
        p[at + 6 * step],
        p[at + 7 * step],
        count);
  }

  private static void eight(
      float[] p0,
      float[] p1,
      float[] p2,
      float[] p3,
      float[] p4,
      float[] p5,
      float[] p6,
      float[] p7,
      int count) {
    for (int x = 0; x < count; x++) {
      float s07 = p0[x] + p7[x];
      float d07 = p0[x] - p7[x];
      float s16 = p1[x] + p6[x];
      float d16 = p1[x] - p6[x];
      float s25 = p2[x] + p5[x];
      float d25 = p2[x] - p5[x];
      float s34 = p3[x] + p4[x];
      float d34 = p3[x] - p4[x];
      float e0 = s07 + s34;
      float e3 = s07 - s34;
      float e1 = s16 + s25;
      float e2 = (s16 - s25 + e3) * C4;
      float o0 = d34 + d25;
      float o1 = (d25 + d16) * C4;
      float o2 = d16 + d07;
      float z5 = (o0 - o2) * C6;
      float z2 = C2_MINUS_C6 * o0 + z5;
      float z4 = C2 * o2 + z5;
      float z11 = d07 + o1;
      float z13 = d07 - o1;
      p0[x] = e0 + e1;
      p4[x] = e0 - e1;
      p2[x] = e3 + e2;
      p6[x] = e3 - e2;
      p5[x] = z13 + z2;
      p3[x] = z13 - z2;
      p1[x] = z11 + z4;
      p7[x] = z11 - z4;
    }
  }
}
