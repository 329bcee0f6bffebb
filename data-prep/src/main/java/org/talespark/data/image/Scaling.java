package org.talespark.data.image;

import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_BGR2RGB;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/** Cuts and scales a decoded picture. */
final class Scaling {

  private Scaling() {}

  /**
   * Scales a part of the picture; its borders go to the nearest pixels.
   *
   * @param bgr the decoded picture
   * @param denominator by which decoding has reduced it already
   * @param window left, top, right and bottom border, in pixels of the original
   */
  static Pixels apply(Mat bgr, int denominator, double[] window, int width, int height) {
    int left = border(window[0], denominator, bgr.cols() - 1);
    int top = border(window[1], denominator, bgr.rows() - 1);
    int right = Math.max(left + 1, border(window[2], denominator, bgr.cols()));
    int bottom = Math.max(top + 1, border(window[3], denominator, bgr.rows()));
    Mat part = new Mat(bgr, new Rect(left, top, right - left, bottom - top));
    return pixels(scaled(part, width, height));
  }

  private static int border(double at, int denominator, int most) {
    return (int) Math.min(most, Math.ceil(at / denominator - 0.5)); // halves go down
  }

  private static Mat scaled(Mat bgr, int width, int height) {
    if (bgr.cols() == width && bgr.rows() == height) {
      return bgr;
    }
    boolean down = width <= bgr.cols() && height <= bgr.rows();
    Mat scaled = new Mat();
    resize(bgr, scaled, new Size(width, height), 0, 0, down ? INTER_AREA : INTER_LINEAR);
    return scaled;
  }

  private static Pixels pixels(Mat bgr) {
    Mat rgb = new Mat();
    cvtColor(bgr, rgb, COLOR_BGR2RGB);
    byte[] bytes = new byte[3 * rgb.rows() * rgb.cols()];
    rgb.data().get(bytes);
    return new Pixels(rgb.cols(), rgb.rows(), bytes);
  }
}
