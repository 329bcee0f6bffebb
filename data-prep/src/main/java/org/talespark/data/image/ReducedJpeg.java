package org.talespark.data.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Baseline JPEGs at a quarter or an eighth of their sides, which is how nearly all photographs of a
 * corpus are wanted. Huffman decoding is what such a decoding costs; the transform shrinks to a few
 * sums (see {@link BlockScaler}), and the area filter works on planes before any colour is
 * computed. JPEGs of other kinds are left to OpenCV.
 */
final class ReducedJpeg {

  private final JpegPlan plan;
  private final List<BlockScaler> scalers = new ArrayList<>();
  private final List<float[]> planes = new ArrayList<>();
  private final double[] window;
  private final int stride;
  private final int band;
  private final AreaFilter filter;

  private ReducedJpeg(JpegPlan plan, int denominator, double[] window, int width, int height) {
    this.plan = plan;
    this.window = Arrays.stream(window).map(border -> border / denominator).toArray();
    JpegPlan.Component luma = plan.components().get(0);
    int side = 8 / denominator;
    this.stride = plan.columns() * luma.across() * side;
    this.band = luma.down() * side;
    this.filter =
        new AreaFilter(
            (plan.width() + denominator - 1) / denominator,
            (plan.height() + denominator - 1) / denominator,
            stride,
            band,
            this.window,
            width,
            height);
    for (JpegPlan.Component component : plan.components()) {
      scalers.add(
          new BlockScaler(
              component.quantisation(),
              side * luma.across() / component.across(),
              side * luma.down() / component.down()));
      planes.add(new float[stride * filter.ring()]);
    }
  }

  /**
   * Decodes and scales in the stored orientation.
   *
   * @param denominator 4 or 8
   * @param window left, top, right and bottom border of the wanted part, in pixels of the original
   * @return null for a JPEG of a kind that OpenCV has to read
   * @throws PictureException when the data is damaged or ends early
   */
  static Pixels decode(ByteView view, int denominator, double[] window, int width, int height) {
    JpegPlan plan = JpegPlan.of(view);
    if (plan == null) {
      return null;
    }
    JpegBits bits = new JpegBits(view, plan.scan());
    if (!view.has(bits.end(), "\u00ff\u00d9")) {
      return null; // more scans, or lines counted behind the first
    }
    ReducedJpeg jpeg = new ReducedJpeg(plan, denominator, window, width, height);
    jpeg.read(bits);
    return jpeg.filter.pixels();
  }

  /** Reads all blocks, scales those that the window touches, and filters what is there. */
  private void read(JpegBits bits) {
    int number = scalers.size();
    int[] dc = new int[number];
    int untilRestart = plan.restart() == 0 ? Integer.MAX_VALUE : plan.restart();
    int rows = plan.rows();
    int columns = plan.columns();
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        if (untilRestart == 0) {
          bits.restart();
          Arrays.fill(dc, 0);
          untilRestart = plan.restart();
        }
        untilRestart--;
        for (int c = 0; c < number; c++) {
          dc[c] = unit(bits, c, dc[c], row, column);
        }
      }
      filter.advance(planes, (row + 1) * band);
    }
    bits.checkNotPastEnd();
  }

  /** One component's blocks of an MCU. */
  private int unit(JpegBits bits, int c, int before, int row, int column) {
    JpegPlan.Component component = plan.components().get(c);
    BlockScaler scaler = scalers.get(c);
    float[] plane = planes.get(c);
    int held = row * band % filter.ring();
    int across = component.across();
    int down = component.down();
    int width = scaler.across();
    int height = scaler.down();
    int dc = before;
    for (int y = 0; y < down; y++) {
      int top = y * height;
      boolean rowWanted = row * band + top < window[3] && row * band + top + height > window[1];
      for (int x = 0; x < across; x++) {
        int left = (column * across + x) * width;
        boolean wanted = rowWanted && left < window[2] && left + width > window[0];
        if (wanted) {
          int at = (held + top) * stride + left;
          dc = scaler.write(bits, component.dc(), component.ac(), dc, plane, at, stride);
        } else {
          bits.skip(component.dc(), component.ac());
          dc += bits.difference;
        }
      }
    }
    return dc;
  }
}
