package org.talespark.data.dedup;

/**
 * Compares thumbnails of 8x8 RGB cells.
 *
 * <p>Two are alike when their mean levels differ by at most {@link #MOST_SHIFT} and, with that
 * difference taken out, each value of either one is within the tolerance of what the other one can
 * show there when it is moved by up to {@link #SLACK} cells: the cell's own value mixed with its
 * neighbours'. The tolerance is {@link #LEAST_TOLERANCE} levels plus half the contrast (the
 * standard deviation of the flatter thumbnail's values), at most {@link #MOST_TOLERANCE}: errors of
 * compression, scaling and clipping grow with contrast, and small things on a plain ground count.
 *
 * <p>So copies that are compressed again, scaled, 5 % brighter or darker, or cropped by 2 % pass.
 * An object of a fifth of the picture's side covers at least 0.64 of some cell, wherever it stands;
 * drawings that differ in it, or in its colour by more than 1.6 times the tolerance in red, green
 * or blue, do not.
 *
 * <p>Thin lines on a plain ground leave so little in a thumbnail that any two would pass. So the
 * deviations from the channels' means must also point the same way: their correlation is at least
 * {@link #LEAST_CORRELATION}, except between two plain grounds.
 */
final class Thumbnails {

  static final int SIDE = 8;

  /** Levels of 255 by which the means of all values may differ. */
  static final int MOST_SHIFT = 16;

  /** Levels of 255 by which a value may differ in plain pictures. */
  static final double LEAST_TOLERANCE = 8;

  /** Levels of 255 by which a value may differ in pictures of any contrast. */
  static final double MOST_TOLERANCE = 32;

  private static final double TOLERANCE_OF_CONTRAST = 0.5;

  static final double LEAST_CORRELATION = 0.85;

  /** Contrast in levels of 255 below which a thumbnail shows nothing. */
  private static final double PLAIN = 0.5;

  /** Cells by which a copy may be moved. */
  static final double SLACK = 0.25;

  private static final int VALUES = 3 * SIDE * SIDE;

  private Thumbnails() {}

  static void check(byte[] thumbnail) {
    if (thumbnail.length != VALUES) {
      throw new IllegalArgumentException(
          "Cannot compare pictures: thumbnail of %d bytes, expected %d"
              .formatted(thumbnail.length, VALUES));
    }
  }

  /** From a square picture whose side is a multiple of 8: {@code [(y * side + x) * 3 + c]}. */
  static byte[] of(double[] rgb, int side) {
    int block = side / SIDE;
    byte[] thumbnail = new byte[VALUES];
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        for (int c = 0; c < 3; c++) {
          double sum = 0;
          for (int i = 0; i < block * block; i++) {
            int row = y * block + i / block;
            int column = x * block + i % block;
            sum += rgb[3 * (row * side + column) + c];
          }
          thumbnail[3 * (y * SIDE + x) + c] = (byte) Math.round(sum / (block * block));
        }
      }
    }
    return thumbnail;
  }

  /** The sum of all values; that of alike thumbnails differs by at most {@link #mostShiftOfSum}. */
  static int sum(byte[] thumbnail) {
    int sum = 0;
    for (byte value : thumbnail) {
      sum += value & 0xFF;
    }
    return sum;
  }

  static int mostShiftOfSum() {
    return MOST_SHIFT * VALUES;
  }

  static boolean alike(byte[] a, byte[] b) {
    int difference = sum(b) - sum(a);
    if (Math.abs(difference) > mostShiftOfSum()) {
      return false;
    }
    double shift = (double) difference / VALUES;
    double ofA = contrast(a);
    double ofB = contrast(b);
    if (Math.max(ofA, ofB) > PLAIN && covariance(a, b) < LEAST_CORRELATION * ofA * ofB) {
      return false;
    }
    double tolerance = tolerance(Math.min(ofA, ofB));
    return excess(a, b, shift) <= tolerance && excess(b, a, -shift) <= tolerance;
  }

  private static double tolerance(double contrast) {
    return Math.min(MOST_TOLERANCE, LEAST_TOLERANCE + TOLERANCE_OF_CONTRAST * contrast);
  }

  /** The standard deviation of the values around the means of their channels. */
  private static double contrast(byte[] thumbnail) {
    return Math.sqrt(covariance(thumbnail, thumbnail));
  }

  /** The mean product of the two values' deviations from the means of their channels. */
  private static double covariance(byte[] a, byte[] b) {
    long[] ofA = new long[3];
    long[] ofB = new long[3];
    long products = 0;
    for (int i = 0; i < VALUES; i++) {
      int one = a[i] & 0xFF;
      int other = b[i] & 0xFF;
      ofA[i % 3] += one;
      ofB[i % 3] += other;
      products += (long) one * other;
    }
    double ofMeans = 0;
    for (int c = 0; c < 3; c++) {
      ofMeans += 3.0 * ofA[c] * ofB[c] / VALUES;
    }
    double covariance = (products - ofMeans) / VALUES;
    return a == b ? Math.max(0, covariance) : covariance;
  }

  /** By how much a value of b, less the shift, is at most outside of what a can show there. */
  static double excess(byte[] a, byte[] b, double shift) {
    double worst = 0;
    for (int i = 0; i < VALUES; i++) {
      int cell = i / 3;
      int x = cell % SIDE;
      int y = cell / SIDE;
      int own = a[i] & 0xFF;
      int left = x > 0 ? (a[i - 3] & 0xFF) - own : 0;
      int right = x < SIDE - 1 ? (a[i + 3] & 0xFF) - own : 0;
      int above = y > 0 ? (a[i - 3 * SIDE] & 0xFF) - own : 0;
      int below = y < SIDE - 1 ? (a[i + 3 * SIDE] & 0xFF) - own : 0;
      double low =
          own + SLACK * (Math.min(0, Math.min(left, right)) + Math.min(0, Math.min(above, below)));
      double high =
          own + SLACK * (Math.max(0, Math.max(left, right)) + Math.max(0, Math.max(above, below)));
      double value = (b[i] & 0xFF) - shift;
      worst = Math.max(worst, Math.max(low - value, value - high));
    }
    return worst;
  }
}
