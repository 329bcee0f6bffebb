package org.talespark.data.image;

import java.util.List;

/**
 * Averages over areas whose borders may lie inside source pixels: every target pixel is the mean of
 * what it covers. Reads planes of one shape, which come in bands from top to bottom and of which
 * only the last rows are held, and writes interleaved RGB.
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

    /** The last tap that has any weight. */
    int last(int target) {
      int last = taps - 1;
      while (last > 0 && weights[target * taps + last] == 0) {
        last--;
      }
      return last;
    }
  }

  private final Axis across;
  private final Axis down;
  private final int stride;
  private final int ring;
  private final int left;
  private final int columns;
  private final int width;
  private final int height;
  private final byte[] rgb;
  private final float[][] rows;
  private int next;

  /**
   * A filter for planes of one shape.
   *
   * @param planeWidth usable pixels of a row
   * @param planeHeight usable rows
   * @param stride pixels from row to row
   * @param band rows that come at a time
   * @param window left, top, right and bottom border in source pixels, with fractions
   * @param width target pixels
   * @param height target pixels
   */
  AreaFilter(
      int planeWidth,
      int planeHeight,
      int stride,
      int band,
      double[] window,
      int width,
      int height) {
    this.across = Axis.of(window[0], window[2], width, planeWidth);
    this.down = Axis.of(window[1], window[3], height, planeHeight);
    this.stride = stride;
    this.ring = band + (down.taps + band - 1) / band * band;
    this.left = across.first[0];
    this.columns = Math.min(across.first[width - 1] + across.taps, planeWidth) - left;
    this.width = width;
    this.height = height;
    this.rgb = new byte[3 * width * height];
    this.rows = new float[3][columns + across.taps];
  }

  /** Rows that a plane holds; source row {@code y} stands in row {@code y % ring()} of it. */
  int ring() {
    return ring;
  }

  /**
   * Writes the target rows that can be.
   *
   * @param planes luma alone, or luma and chroma
   * @param available source rows that have come
   */
  void advance(List<float[]> planes, int available) {
    while (next < height && down.first[next] + down.last(next) < available) {
      for (int i = 0; i < planes.size(); i++) {
        average(planes.get(i), next, rows[i]);
      }
      int out = 3 * next * width;
      if (planes.size() == 1) {
        grey(rows[0], out);
      } else if (across.taps == FEW) {
        fewColours(rows[0], rows[1], rows[2], out);
      } else {
        for (int x = 0; x < width; x++) {
          put(at(rows[0], x), at(rows[1], x) - 128, at(rows[2], x) - 128, out + 3 * x);
        }
      }
      next++;
    }
  }

  /** The picture, once all rows have come. */
  Pixels pixels() {
    return new Pixels(width, height, rgb);
  }

  private void grey(float[] row, int out) {
    for (int x = 0; x < width; x++) {
      byte level = level(at(row, x));
      rgb[out + 3 * x] = level;
      rgb[out + 3 * x + 1] = level;
      rgb[out + 3 * x + 2] = level;
    }
  }

  private void fewColours(float[] ys, float[] cbs, float[] crs, int out) {
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
          out + 3 * x);
    }
  }

  /** YCbCr to RGB (ITU-T T.871, 7). */
  private void put(float y, float cb, float cr, int out) {
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
    float[] weights = down.weights;
    int weight = y * down.taps;
    int last = down.last(y);
    int from = offset(down.first[y]);
    int second = offset(down.first[y] + Math.min(last, 1));
    int third = offset(down.first[y] + Math.min(last, 2));
    float a = weights[weight];
    float b = weights[weight + 1];
    float c = weights[weight + 2];
    for (int x = 0; x < columns; x++) {
      row[x] = a * plane[from + x] + b * plane[second + x] + c * plane[third + x];
    }
    for (int tap = FEW; tap <= last; tap++) {
      add(row, plane, offset(down.first[y] + tap), weights[weight + tap]);
    }
  }

  private int offset(int y) {
    return y % ring * stride + left;
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
