package org.talespark.data.image;

import java.util.Arrays;
import java.util.List;

/** Composes pictures into one, row by row, for samples and reports. */
public final class Grid {

  private static final int MOST_SIDE = 16_384;

  private Grid() {}

  /**
   * One PNG of all picture files, each scaled to {@code cell} pixels a side, on white.
   *
   * @param rows picture files; rows may differ in length
   * @param gap pixels around and between the cells
   */
  public static byte[] png(List<List<byte[]>> rows, int cell, int gap) {
    List<List<Pixels>> decoded =
        rows.stream()
            .map(
                row ->
                    row.stream()
                        .map(
                            file ->
                                new ImageDecoder(ImageDecoder.Limits.defaults())
                                    .square(file, cell)
                                    .pixels())
                        .toList())
            .toList();
    return Images.encodePng(compose(decoded, cell, gap));
  }

  /** The same for pixels that are {@code cell} a side already. */
  public static Pixels compose(List<List<Pixels>> rows, int cell, int gap) {
    int columns = rows.stream().mapToInt(List::size).max().orElse(0);
    if (columns == 0 || cell < 1 || gap < 0) {
      throw new IllegalArgumentException(
          "Cannot compose grid: rows=%d columns=%d cell=%d gap=%d, expected pictures, cell >= 1 and gap >= 0"
              .formatted(rows.size(), columns, cell, gap));
    }
    long width = (long) columns * (cell + gap) + gap;
    long height = (long) rows.size() * (cell + gap) + gap;
    if (width > MOST_SIDE || height > MOST_SIDE) {
      throw new IllegalArgumentException(
          "Cannot compose grid: width=%d height=%d, expected at most %d; try fewer or smaller pictures"
              .formatted(width, height, MOST_SIDE));
    }
    byte[] rgb = new byte[(int) (3 * width * height)];
    Arrays.fill(rgb, (byte) 255);
    for (int r = 0; r < rows.size(); r++) {
      for (int c = 0; c < rows.get(r).size(); c++) {
        Pixels picture = rows.get(r).get(c);
        if (picture.width() != cell || picture.height() != cell) {
          throw new IllegalArgumentException(
              "Cannot compose grid: row=%d column=%d is %dx%d, expected %dx%d"
                  .formatted(r, c, picture.width(), picture.height(), cell, cell));
        }
        int left = gap + c * (cell + gap);
        int top = gap + r * (cell + gap);
        for (int y = 0; y < cell; y++) {
          System.arraycopy(
              picture.rgb(), 3 * y * cell, rgb, (int) (3 * ((top + y) * width + left)), 3 * cell);
        }
      }
    }
    return new Pixels((int) width, (int) height, rgb);
  }
}
