package org.talespark.data.image;

/**
 * The cosine transform of 8x8 blocks by the algorithm of Arai, Agui and Nakajima (1988): five
 * multiplications a row, the rest of them left to quantisation as {@link #scale}.
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

  /** Transforms all blocks of a plane in place; both sides are multiples of 8. */
  static void apply(float[] plane, int width) {
    for (int top = 0; top < plane.length; top += 8 * width) {
      columns(plane, top, width);
    }
    for (int at = 0; at < plane.length; at += 8) {
      row(plane, at);
    }
  }

  /** The columns of a row of blocks; consecutive ones are independent. */
  private static void columns(float[] p, int top, int width) {
    int r1 = top + width;
    int r2 = r1 + width;
    int r3 = r2 + width;
    int r4 = r3 + width;
    int r5 = r4 + width;
    int r6 = r5 + width;
    int r7 = r6 + width;
    for (int x = 0; x < width; x++) {
      float s07 = p[top + x] + p[r7 + x];
      float d07 = p[top + x] - p[r7 + x];
      float s16 = p[r1 + x] + p[r6 + x];
      float d16 = p[r1 + x] - p[r6 + x];
      float s25 = p[r2 + x] + p[r5 + x];
      float d25 = p[r2 + x] - p[r5 + x];
      float s34 = p[r3 + x] + p[r4 + x];
      float d34 = p[r3 + x] - p[r4 + x];
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
      p[top + x] = e0 + e1;
      p[r4 + x] = e0 - e1;
      p[r2 + x] = e3 + e2;
      p[r6 + x] = e3 - e2;
      p[r5 + x] = z13 + z2;
      p[r3 + x] = z13 - z2;
      p[r1 + x] = z11 + z4;
      p[r7 + x] = z11 - z4;
    }
  }

  /** One row of one block. */
  private static void row(float[] p, int at) {
    float s07 = p[at] + p[at + 7];
    float d07 = p[at] - p[at + 7];
    float s16 = p[at + 1] + p[at + 6];
    float d16 = p[at + 1] - p[at + 6];
    float s25 = p[at + 2] + p[at + 5];
    float d25 = p[at + 2] - p[at + 5];
    float s34 = p[at + 3] + p[at + 4];
    float d34 = p[at + 3] - p[at + 4];
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
    p[at] = e0 + e1;
    p[at + 4] = e0 - e1;
    p[at + 2] = e3 + e2;
    p[at + 6] = e3 - e2;
    p[at + 5] = z13 + z2;
    p[at + 3] = z13 - z2;
    p[at + 1] = z11 + z4;
    p[at + 7] = z11 - z4;
  }
}
