package org.talespark.data.image;

import java.util.Arrays;

/**
 * Baseline JPEGs at a quarter or an eighth of their sides, which is how nearly all photographs of a
 * corpus are wanted. Huffman decoding is what such a decoding costs; the transform shrinks to a few
 * sums (see {@link BlockScaler}), and the area filter works on planes before any colour is
 * computed. JPEGs of other kinds are left to OpenCV.
 */
final class ReducedJpeg {

  /** What a component is read with and into. */
  private static final class Part {
    final int across;
    final int down;
    final JpegPairs tables;
    final BlockScaler scaler;

    /** The first block of a row that the window touches, and the one behind the last. */
    final int from;

    final int to;
    final float[][] rows;

    /** Of the present row of MCUs: the row of the plane it begins at, and which blocks count. */
    int top;

    final boolean[] wanted;
    int dc;

    Part(JpegPlan.Component component, BlockScaler scaler, double[] window, float[][] rows) {
      this.across = component.across();
      this.down = component.down();
      this.tables = component.tables();
      this.scaler = scaler;
      this.from = (int) (window[0] / scaler.across());
      this.to = (int) Math.ceil(window[2] / scaler.across());
      this.rows = rows;
      this.wanted = new boolean[down];
    }

    /** Goes on to a row of MCUs, whose first row of samples is given. */
    void enter(int row, double[] window) {
      top = row % rows.length;
      for (int y = 0; y < down; y++) {
        int upper = row + y * scaler.down();
        wanted[y] = upper < window[3] && upper + scaler.down() > window[1];
      }
    }
  }

  private final JpegPlan plan;
  private final Part[] parts;
  private final double[] window;
  private final int band;
  private final AreaFilter filter;

  private ReducedJpeg(JpegPlan plan, int denominator, double[] window, int width, int height) {
    this.plan = plan;
    this.window = Arrays.stream(window).map(border -> border / denominator).toArray();
    JpegPlan.Component luma = plan.components().get(0);
    int side = 8 / denominator;
    int stride = plan.columns() * luma.across() * side;
    this.band = luma.down() * side;
    this.filter =
        new AreaFilter(
            (plan.width() + denominator - 1) / denominator,
            (plan.height() + denominator - 1) / denominator,
            band,
            this.window,
            width,
            height);
    this.parts =
        plan.components().stream()
            .map(
                component ->
                    new Part(
                        component,
                        new BlockScaler(
                            component.quantisation(),
                            side * luma.across() / component.across(),
                            side * luma.down() / component.down()),
                        this.window,
                        new float[filter.ring()][stride]))
            .toArray(Part[]::new);
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
    float[][][] planes = Arrays.stream(parts).map(part -> part.rows).toArray(float[][][]::new);
    int untilRestart = plan.restart() == 0 ? Integer.MAX_VALUE : plan.restart();
    int rows = plan.rows();
    int columns = plan.columns();
    for (int row = 0; row < rows; row++) {
      for (Part part : parts) {
        part.enter(row * band, window);
      }
      for (int column = 0; column < columns; column++) {
        if (untilRestart == 0) {
          bits.restart();
          for (Part part : parts) {
            part.dc = 0;
          }
          untilRestart = plan.restart();
        }
        untilRestart--;
        for (Part part : parts) {
          unit(bits, part, column);
        }
      }
      filter.advance(planes, (row + 1) * band);
    }
    bits.checkNotPastEnd();
  }

  /** One component's blocks of an MCU. */
  private static void unit(JpegBits bits, Part part, int column) {
    BlockScaler scaler = part.scaler;
    int dc = part.dc;
    for (int y = 0; y < part.down; y++) {
      int top = part.top + y * scaler.down();
      for (int x = column * part.across; x < (column + 1) * part.across; x++) {
        if (part.wanted[y] && x >= part.from && x < part.to) {
          dc = scaler.write(bits, part.tables, dc, part.rows, top, x * scaler.across());
        } else {
          dc = BlockScaler.skip(bits, part.tables, dc);
        }
      }
    }
    part.dc = dc;
  }
}
