package org.talespark.data.dedup;

import org.talespark.data.image.Pixels;

/**
 * Scales pictures by averaging areas, exactly, so that any size of one picture gives one result.
 */
final class AreaAverage {

  private AreaAverage() {}

  /**
   * The picture at {@code side} by {@code side}: {@code [(y * side + x) * 3 + channel]}, 0 to 255.
   */
  static double[] rgb(Pixels picture, int side) {
    double[] columns = new double[3 * side * picture.height()]; // [height, side, 3]
    double perColumn = (double) picture.width() / side;
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < side; x++) {
        int at = 3 * (y * side + x);
        double from = x * perColumn;
        double to = from + perColumn;
        for (int i = (int) from; i < Math.min(picture.width(), Math.ceil(to)); i++) {
          double weight = Math.min(to, i + 1) - Math.max(from, i);
          int pixel = 3 * (y * picture.width() + i);
          for (int c = 0; c < 3; c++) {
            columns[at + c] += weight * (picture.rgb()[pixel + c] & 0xFF);
          }
        }
      }
    }
    double[] out = new double[3 * side * side];
    double perRow = (double) picture.height() / side;
    for (int y = 0; y < side; y++) {
      double from = y * perRow;
      double to = from + perRow;
      for (int i = (int) from; i < Math.min(picture.height(), Math.ceil(to)); i++) {
        double weight = (Math.min(to, i + 1) - Math.max(from, i)) / (perRow * perColumn);
        for (int x = 0; x < 3 * side; x++) {
          out[3 * y * side + x] += weight * columns[3 * i * side + x];
        }
      }
    }
    return out;
  }
}
