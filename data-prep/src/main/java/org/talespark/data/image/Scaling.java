package org.talespark.data.image;

import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_BGR2RGB;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.util.Arrays;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/** Brings a decoded BGR picture to the wanted size. */
final class Scaling {

  private Scaling() {}

  /**
   * Cuts, scales and pads as wanted.
   *
   * @param bgr upright, possibly decoded at a reduced scale
   * @param width of the original, upright; its proportions count
   * @param height of the original, upright
   */
  static Pixels apply(Mat bgr, Resize wanted, int width, int height) {
    int size = wanted.size();
    return switch (wanted.mode()) {
      case CENTER_CROP -> pixels(scaled(centre(bgr), size, size));
      case PAD -> padded(pixels(kept(bgr, wanted, width, height)), size);
      case KEEP_RATIO -> pixels(kept(bgr, wanted, width, height));
    };
  }

  private static Mat centre(Mat bgr) {
    int side = Math.min(bgr.cols(), bgr.rows());
    if (bgr.cols() == bgr.rows()) {
      return bgr;
    }
    return new Mat(bgr, new Rect((bgr.cols() - side) / 2, (bgr.rows() - side) / 2, side, side));
  }

  private static Mat kept(Mat bgr, Resize wanted, int width, int height) {
    return scaled(bgr, wanted.scaled(width, width, height), wanted.scaled(height, width, height));
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

  private static Pixels padded(Pixels picture, int size) {
    if (picture.width() == size && picture.height() == size) {
      return picture;
    }
    byte[] rgb = new byte[3 * size * size];
    Arrays.fill(rgb, (byte) 255);
    int left = (size - picture.width()) / 2;
    int top = (size - picture.height()) / 2;
    for (int y = 0; y < picture.height(); y++) {
      System.arraycopy(
          picture.rgb(),
          3 * y * picture.width(),
          rgb,
          3 * ((top + y) * size + left),
          3 * picture.width());
    }
    return new Pixels(size, size, rgb);
  }

  private static Pixels pixels(Mat bgr) {
    Mat rgb = new Mat();
    cvtColor(bgr, rgb, COLOR_BGR2RGB);
    byte[] bytes = new byte[3 * rgb.rows() * rgb.cols()];
    rgb.data().get(bytes);
    return new Pixels(rgb.cols(), rgb.rows(), bytes);
  }
}
