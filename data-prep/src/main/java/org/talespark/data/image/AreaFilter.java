package org.talespark.data.image;

/**
 * Averages over areas whose borders may lie inside source pixels: every target pixel is the mean of
 * what it covers. Reads planes of one shape, which come in bands from top to bottom and of which
 * only the last rows are held, and writes interleaved RGB.
 */
final class AreaFilter {

  /** Up to a reduction by two, no target pixel touches more. */
  private static final int FEW = 3;

  /** Rows to colour at a time: loops that are compiled to vector instructions are best long. */
  private static final int MOST_WAITING = 16;

  /**
   * One and a half times 2^23: sums with it have no fraction left, if they are less than 2^22 apart
   * from it.
   */
  static final float ROUNDER = 12_582_912f;

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
  private final int ring;

  /** Source columns up to the last one that counts. */
  private final int columns;

  private final int width;
  private final int height;
  private final byte[] rgb;

  /** Source rows that have become one, a plane each. */
  private final float[][] rows;

  /** Target rows that wait to be coloured, a plane each. */
  private final float[][] scaled;

  private int waiting;
  private int next;

  /**
   * A filter for planes of one shape.
   *
   * @param planeWidth usable pixels of a row
   * @param planeHeight usable rows
   * @param band rows that come at a time
   * @param window left, top, right and bottom border in source pixels, with fractions
   * @param width target pixels
   * @param height target pixels
   */
  AreaFilter(int planeWidth, int planeHeight, int band, double[] window, int width, int height) {
    this.across = Axis.of(window[0], window[2], width, planeWidth);
    this.down = Axis.of(window[1], window[3], height, planeHeight);
    this.ring = band + (down.taps + band - 1) / band * band;
    this.columns = Math.min(across.first[width - 1] + across.taps, planeWidth);
    this.width = width;
    this.height = height;
    this.rgb = new byte[3 * width * height];
    this.rows = new float[3][columns + across.taps];
    this.scaled = new float[3][width * Math.min(MOST_WAITING, height)];
  }

  /** Rows that a plane holds; source row {@code y} stands in row {@code y % ring()} of it. */
  int ring() {
    return ring;
  }

  /**
   * Writes the target rows that can be.
   *
   * @param planes luma alone, or luma and chroma, each as rows
   * @param available source rows that have come
   */
  void advance(float[][][] planes, int available) {
    while (next < height && down.first[next] + down.last(next) < available) {
      for (int i = 0; i < planes.length; i++) {
        average(planes[i], next, rows[i]);
      }
      if (planes.length == 1) {
        scale(rows[0], scaled[0], waiting * width);
      } else if (across.taps == FEW) {
        scaleFew(waiting * width);
      } else {
        for (int i = 0; i < planes.length; i++) {
          scale(rows[i], scaled[i], waiting * width);
        }
      }
      waiting++;
      next++;
      if (waiting == MOST_WAITING || next == height) {
        write(planes.length == 1, (next - waiting) * width, waiting * width);
        waiting = 0;
      }
    }
  }

  /** The picture, once all rows have come. */
  Pixels pixels() {
    return new Pixels(width, height, rgb);
  }

  /** Writes pixels from one on. */
  private void write(boolean grey, int from, int count) {
    if (grey) {
      float[] levels = scaled[0];
      add(levels, ROUNDER, count);
      interleave(levels, levels, levels, 3 * from, count);
    } else {
      colours(scaled[0], scaled[1], scaled[2], count);
      interleave(scaled[0], scaled[1], scaled[2], 3 * from, count);
    }
  }

  private static void add(float[] values, float value, int count) {
    for (int x = 0; x < count; x++) {
      values[x] += value;
    }
  }

  /**
   * YCbCr to RGB (ITU-T T.871, 7) in place. Apart from what else is to be done with the values, so
   * that the loop is compiled to vector instructions.
   */
  private static void colours(float[] ys, float[] cbs, float[] crs, int count) {
    for (int x = 0; x < count; x++) {
      float y = ys[x];
      float cb = cbs[x] - 128;
      float cr = crs[x] - 128;
      ys[x] = y + 1.402f * cr + ROUNDER;
      cbs[x] = y - 0.344136f * cb - 0.714136f * cr + ROUNDER;
      crs[x] = y + 1.772f * cb + ROUNDER;
    }
  }

  /** Rounds and cuts off values that {@link #ROUNDER} has been added to. */
  private void interleave(float[] red, float[] green, float[] blue, int from, int count) {
    byte[] rgb = this.rgb;
    int at = from;
    for (int x = 0; x < count; x++) {
      rgb[at] = level(red[x]);
      rgb[at + 1] = level(green[x]);
      rgb[at + 2] = level(blue[x]);
      at += 3;
    }
  }

  /**
   * The whole number of a value that {@link #ROUNDER} has been added to. Its last bits stand where
   * the sum's do, and no conversion has to look for what is no number.
   */
  static int rounded(float sum) {
    return Float.floatToRawIntBits(sum) - ROUNDER_BITS;
  }

  private static byte level(float sum) {
    return (byte) Math.max(0, Math.min(255, rounded(sum)));
  }

  /** The source rows under a target row become one. */
  private void average(float[][] plane, int y, float[] row) {
    int first = down.first[y];
    int last = down.last(y);
    int weight = y * down.taps;
    average(
        down.weights[weight],
        plane[first % ring],
        down.weights[weight + 1],
        plane[(first + Math.min(last, 1)) % ring],
        down.weights[weight + 2],
        plane[(first + Math.min(last, 2)) % ring],
        row,
        columns);
    for (int tap = FEW; tap <= last; tap++) {
      add(row, plane[(first + tap) % ring], down.weights[weight + tap], columns);
    }
  }

  /** Rows are arrays of their own, for no loop with offsets becomes vector instructions. */
  private static void average(
      float a, float[] first, float b, float[] second, float c, float[] third, float[] row, int n) {
    for (int x = 0; x < n; x++) {
      row[x] = a * first[x] + b * second[x] + c * third[x];
    }
  }

  private static void add(float[] row, float[] other, float weight, int n) {
    for (int x = 0; x < n; x++) {
      row[x] += weight * other[x];
    }
  }

  private void scale(float[] row, float[] to, int out) {
    for (int x = 0; x < width; x++) {
      float sum = 0;
      for (int tap = 0; tap < across.taps; tap++) {
        sum += across.weights[x * across.taps + tap] * row[across.first[x] + tap];
      }
      to[out + x] = sum;
    }
  }

  /** The same of three planes, unrolled. */
  private void scaleFew(int out) {
    int[] first = across.first;
    float[] weights = across.weights;
    float[] ys = rows[0];
    float[] cbs = rows[1];
    float[] crs = rows[2];
    float[] y = scaled[0];
    float[] cb = scaled[1];
    float[] cr = scaled[2];
    for (int x = 0; x < width; x++) {
      int from = first[x];
      float a = weights[FEW * x];
      float b = weights[FEW * x + 1];
      float c = weights[FEW * x + 2];
      y[out + x] = a * ys[from] + b * ys[from + 1] + c * ys[from + 2];
      cb[out + x] = a * cbs[from] + b * cbs[from + 1] + c * cbs[from + 2];
      cr[out + x] = a * crs[from] + b * crs[from + 1] + c * crs[from + 2];
    }
  }
}
