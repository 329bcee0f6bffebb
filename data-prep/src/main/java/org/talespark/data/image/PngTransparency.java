package org.talespark.data.image;

import static org.bytedeco.opencv.global.opencv_core.max;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_GRAY2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * The one transparent level that a grey PNG may name (W3C 2003, 11.3.2.1). OpenCV gives alpha to
 * palettes and colours, not to this.
 */
final class PngTransparency {

  private PngTransparency() {}

  /**
   * Paints white what the chunk calls transparent.
   *
   * @param grey as decoded, levels of 1, 2 and 4 bits spread over 0 to 255
   * @param bgr the same picture, changed
   */
  static void greyOnWhite(Mat grey, Mat bgr, ByteView view, int bits) {
    for (long at = 8; !view.has(at + 4, "IDAT"); at += 12 + view.u32be(at)) {
      if (view.has(at + 4, "tRNS") && view.u32be(at) == 2) {
        int level = view.u16be(at + 8);
        double value = bits < 8 ? level * 255.0 / ((1 << bits) - 1) : level;
        Mat clear = new Mat(); // 255 where the level is met
        cvtColor(opencv_core.equals(grey, value).asMat(), clear, COLOR_GRAY2BGR);
        max(bgr, clear, bgr);
        return;
      }
    }
  }
}
