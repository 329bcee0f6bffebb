package org.talespark.data.image;

/**
 * Averages over areas whose borders may lie inside source pixels: every target pixel is the mean of
 * what it covers. Reads planes of one shape and writes interleaved RGB.
 */
final class AreaFilter {

  /** Up to a reduction by two, no target pixel touches more. */
  private static final int FEW = 3;

  /** One and a half times 2^23: sums with it have no fraction left. */
  private static final float ROUNDER = 12_582_912f;

  private static final int ROUNDER_BITS = Float.floatToRawIntBits(ROUNDER);

  /**
   * Along one axis, for each target pixel: the first source pixel and the weights of it and the
   * next ones, zero for those it does not touch.
   *
   * @param taps weights of a pixel
   */
  @SuppressWarnings("ArrayRecordComponent") // tables, compared by nobody
  private record Axis(int[] first, float[] weights, int taps) {

    /**
     * Divides the stretch from {@code from} to {@code to} into {@code target} parts.
     *
     * @param source pixels there are; the stretch is cut to them
     */
    static Axis of(double from, double to, int target, int source) {
      double step = (to - from) / target;
      int taps = Math.max(FEW, (int) Math.ceil(step) + 1);
      int[] first = new int[target];
      float[] weights = new float[target * taps];
      for (int i = 0; i < target; i++) {
        double start = Math.min(from + i * step, source - 1e-6);
        double end = Math.min(start + step, source);
        first[i] = (int) start;
        for (int tap = 0; tap < taps; tap++) {
          int at = first[i] + tap;
          double covered = Math.min(end, at + 1) - Math.max(start, at);
          weights[i * taps + tap] = (float) Math.max(0, covered / (end - start));
        }
      }
      return new Axis(first, weights, taps);
    }
  }

  private final Axis across;
  private final Axis down;
  private final int stride;
  private final int left;
  private final int columns;
  private final int width;
  private final int height;

  /**
   * A filter for planes of one shape.
   *
   * @param planeWidth usable pixels of a row
   * @param planeHeight usable rows
   * @param stride pixels from row to row
   * @param window left, top, right and bottom border in source pixels, with fractions
   * @param width target pixels
   * @param height target pixels
   */
  AreaFilter(int planeWidth, int planeHeight, int stride, double[] window, int width, int height) {
    this.across = Axis.of(window[0], window[2], width, planeWidth);
    this.down = Axis.of(window[1], window[3], height, planeHeight);
    this.stride = stride;
    this.left = across.first[0];
    this.columns = Math.min(across.first[width - 1] + across.taps, planeWidth) - left;
    this.width = width;
    this.height = height;
  }

  /** One plane of levels to RGB. */
  byte[] grey(float[] plane) {
    byte[] rgb = new byte[3 * width * height];
    float[] row = new float[columns + across.taps];
    for (int y = 0; y < height; y++) {
      average(plane, y, row);
      for (int x = 0; x < width; x++) {
        byte level = level(at(row, x));
        int out = 3 * (y * width + x);
        rgb[out] = level;
        rgb[out + 1] = level;
        rgb[out + 2] = level;
      }
    }
    return rgb;
  }

  /** Planes of luma and chroma to RGB (ITU-T T.871, 7). */
  byte[] colour(float[] luma, float[] blueness, float[] redness) {
    byte[] rgb = new byte[3 * width * height];
    float[] ys = new float[columns + across.taps];
    float[] cbs = new float[columns + across.taps];
    float[] crs = new float[columns + across.taps];
    for (int y = 0; y < height; y++) {
      average(luma, y, ys);
      average(blueness, y, cbs);
      average(redness, y, crs);
      if (across.taps == FEW) {
        fewColours(ys, cbs, crs, rgb, 3 * y * width);
      } else {
        for (int x = 0; x < width; x++) {
          put(at(ys, x), at(cbs, x) - 128, at(crs, x) - 128, rgb, 3 * (y * width + x));
        }
      }
    }
    return rgb;
  }

  private void fewColours(float[] ys, float[] cbs, float[] crs, byte[] rgb, int out) {
    int[] first = across.first;
    float[] weights = across.weights;
    for (int x = 0; x < width; x++) {
      int from = first[x] - left;
      float a = weights[FEW * x];
      float b = weights[FEW * x + 1];
      float c = weights[FEW * x + 2];
      put(
          a * ys[from] + b * ys[from + 1] + c * ys[from + 2],
          a * cbs[from] + b * cbs[from + 1] + c * cbs[from + 2] - 128,
          a * crs[from] + b * crs[from + 1] + c * crs[from + 2] - 128,
          rgb,
          out + 3 * x);
    }
  }

  private static void put(float y, float cb, float cr, byte[] rgb, int out) {
    rgb[out] = level(y + 1.402f * cr);
    rgb[out + 1] = level(y - 0.344136f * cb - 0.714136f * cr);
    rgb[out + 2] = level(y + 1.772f * cb);
  }

  /**
   * The nearest whole number, of values that are less than 2^22 apart from zero. Their last bits
   * stand where the sum's do, and no conversion has to look for what is no number.
   */
  static int round(float value) {
    return Float.floatToRawIntBits(value + ROUNDER) - ROUNDER_BITS;
  }

  private static byte level(float value) {
    return (byte) Math.max(0, Math.min(255, round(value)));
  }

  /** The source rows under a target row become one. */
  private void average(float[] plane, int y, float[] row) {
    int from = down.first[y] * stride + left;
    float[] weights = down.weights;
    int weight = y * down.taps;
    // rows without weight may lie behind the plane
    int last = down.taps - 1;
    while (last > 0 && weights[weight + last] == 0) {
      last--;
    }
    int second = from + Math.min(last, 1) * stride;
    int third = from + Math.min(last, 2) * stride;
    float a = weights[weight];
    float b = weights[weight + 1];
    float c = weights[weight + 2];
    for (int x = 0; x < columns; x++) {
      row[x] = a * plane[from + x] + b * plane[second + x] + c * plane[third + x];
    }
    for (int tap = FEW; tap <= last; tap++) {
      add(row, plane, from + tap * stride, weights[weight + tap]);
    }
  }

  private void add(float[] row, float[] plane, int from, float weight) {
    for (int x = 0; x < columns; x++) {
      row[x] += weight * plane[from + x];
    }
  }

  private float at(float[] row, int x) {
    int from = across.first[x] - left;
    float sum = 0;
    for (int tap = 0; tap < across.taps; tap++) {
      sum += across.weights[x * across.taps + tap] * row[from + tap];
    }
    return sum;
  }
}
