package org.talespark.data.image;

import static org.bytedeco.opencv.global.opencv_core.CV_16U;
import static org.bytedeco.opencv.global.opencv_core.CV_8U;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_GRAY2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.talespark.data.Reason;

/** Decoded samples of any kind to 8-bit BGR: depth, channels and transparency, in this order. */
final class Flatten {

  /** One of 255 levels of a product of two 16-bit values, and half of it. */
  private static final long LEVEL = 65_535L * 257;

  private static final long HALF = LEVEL / 2;

  private Flatten() {}

  /**
   * Brings the samples to eight bits of blue, green and red.
   *
   * @param from 8 or 16 bits, 1, 3 or 4 channels (grey, BGR, BGRA)
   * @return 8-bit BGR; {@code from} itself where it is that
   */
  static Mat toBgr(Mat from, PictureFormat format) {
    if (from.depth() != CV_8U && from.depth() != CV_16U) {
      throw new PictureException(
          Reason.UNSUPPORTED_FORMAT,
          "Cannot use %s: sample depth %d, expected 8 or 16 bits"
              .formatted(format.id(), from.depth()));
    }
    return switch (from.channels()) {
      case 1 -> {
        Mat bgr = new Mat();
        cvtColor(eightBits(from), bgr, COLOR_GRAY2BGR);
        yield bgr;
      }
      case 3 -> eightBits(from);
      case 4 -> from.depth() == CV_16U ? deepOnWhite(from) : onWhite(from);
      default ->
          throw new PictureException(
              Reason.UNSUPPORTED_FORMAT,
              "Cannot use %s: channels=%d, expected 1, 3 or 4"
                  .formatted(format.id(), from.channels()));
    };
  }

  /** 65,535 levels to 255, rounded. */
  private static Mat eightBits(Mat from) {
    if (from.depth() == CV_8U) {
      return from;
    }
    Mat eight = new Mat();
    from.convertTo(eight, CV_8U, 1.0 / 257.0, 0);
    return eight;
  }

  /** BGRA over white, rounded: {@code (c * a + 255 * (255 - a)) / 255}. */
  private static Mat onWhite(Mat bgra) {
    byte[] from = new byte[4 * bgra.cols()];
    byte[] to = new byte[3 * bgra.cols()];
    Mat bgr = new Mat(bgra.rows(), bgra.cols(), CV_8UC3);
    for (int y = 0; y < bgra.rows(); y++) {
      bgra.ptr(y).get(from);
      for (int x = 0; x < bgra.cols(); x++) {
        int alpha = from[4 * x + 3] & 0xFF;
        for (int c = 0; c < 3; c++) {
          int value = (from[4 * x + c] & 0xFF) * alpha + 255 * (255 - alpha);
          to[3 * x + c] = (byte) ((value + 127) / 255);
        }
      }
      bgr.ptr(y).put(to);
    }
    return bgr;
  }

  /** The same at 16 bits; rounded to 8 only once it is blended. */
  private static Mat deepOnWhite(Mat bgra) {
    short[] from = new short[4 * bgra.cols()];
    byte[] to = new byte[3 * bgra.cols()];
    Mat bgr = new Mat(bgra.rows(), bgra.cols(), CV_8UC3);
    for (int y = 0; y < bgra.rows(); y++) {
      new ShortPointer(bgra.ptr(y)).get(from);
      for (int x = 0; x < bgra.cols(); x++) {
        long alpha = from[4 * x + 3] & 0xFFFF;
        for (int c = 0; c < 3; c++) {
          long value = (from[4 * x + c] & 0xFFFF) * alpha + 65_535 * (65_535 - alpha);
          to[3 * x + c] = (byte) ((value + HALF) / LEVEL);
        }
      }
      bgr.ptr(y).put(to);
    }
    return bgr;
  }
}
