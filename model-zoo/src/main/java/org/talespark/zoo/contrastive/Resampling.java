package org.talespark.zoo.contrastive;

/**
 * Scales 8-bit pictures as Pillow's {@code Image.resize} does: each pixel is a weighted mean of
 * those around it, first along rows and then along columns, rounded to 8 bits after each. The
 * filter is widened by the reduction, so that every pixel counts when a picture gets smaller.
 */
enum Resampling {
  /** A triangle of two pixels. */
  BILINEAR(2, 1) {
    @Override
    double weight(double x) {
      return Math.max(0, 1 - Math.abs(x));
    }
  },

  /** Cubic convolution over four pixels (Keys 1981) with a = -0.5. */
  BICUBIC(3, 2) {
    @Override
    double weight(double x) {
      double t = Math.abs(x);
      if (t < 1) {
        return ((A + 2) * t - (A + 3)) * t * t + 1;
      }
      return t < 2 ? ((t - 5) * t + 8) * t * A - 4 * A : 0;
    }
  };

  private static final double A = -0.5;
  private static final int CHANNELS = 3;
  private static final int BITS = 22; // of a weight behind the point, as there

  private final int code;
  private final double reach; // of the filter, in pixels

  Resampling(int code, double reach) {
    this.code = code;
    this.reach = reach;
  }

  abstract double weight(double x);

  /** By Pillow's number. */
  static Resampling of(int code) {
    for (Resampling each : values()) {
      if (each.code == code) {
        return each;
      }
    }
    throw new IllegalArgumentException(
        "Cannot use processor: resample=%d, expected 2 (bilinear) or 3 (bicubic)".formatted(code));
  }

  /** A picture [height, width, 3] as [newHeight, newWidth, 3]. */
  byte[] scale(byte[] rgb, int width, int height, int newWidth, int newHeight) {
    byte[] wide = width == newWidth ? rgb : along(rgb, height, width, newWidth, 1);
    return height == newHeight ? wide : along(wide, newWidth, height, newHeight, newWidth);
  }

  /**
   * Scales one axis.
   *
   * @param lines number of rows or columns that are scaled
   * @param from pixels of each
   * @param step pixels between neighbours: 1 along rows, the width along columns
   */
  private byte[] along(byte[] rgb, int lines, int from, int to, int step) {
    byte[] scaled = new byte[CHANNELS * lines * to];
    double scale = (double) from / to;
    double wider = Math.max(1, scale);
    int line = step == 1 ? from : 1; // pixels from a line to the next, before
    int scaledLine = step == 1 ? to : 1;
    int[] weights = new int[2 * (int) Math.ceil(reach * wider) + 1];
    for (int at = 0; at < to; at++) {
      double centre = (at + 0.5) * scale;
      int first = Math.max(0, (int) (centre - reach * wider + 0.5));
      int end = Math.min(from, (int) (centre + reach * wider + 0.5));
      fill(weights, first, end, centre, wider);
      for (int l = 0; l < lines; l++) {
        for (int c = 0; c < CHANNELS; c++) {
          int sum = 1 << (BITS - 1);
          for (int i = first; i < end; i++) {
            sum += weights[i - first] * (rgb[CHANNELS * (l * line + i * step) + c] & 0xFF);
          }
          scaled[CHANNELS * (l * scaledLine + at * step) + c] =
              (byte) Math.max(0, Math.min(255, sum >> BITS));
        }
      }
    }
    return scaled;
  }

  private void fill(int[] weights, int first, int end, double centre, double wider) {
    double[] exact = new double[end - first];
    double sum = 0;
    for (int i = first; i < end; i++) {
      exact[i - first] = weight((i - centre + 0.5) / wider);
      sum += exact[i - first];
    }
    for (int i = 0; i < exact.length; i++) {
      double fixed = exact[i] / sum * (1 << BITS);
      weights[i] = (int) (fixed < 0 ? fixed - 0.5 : fixed + 0.5); // away from zero
    }
  }
}
