package org.talespark.data.image;

import static java.util.Objects.requireNonNull;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How a picture of any shape becomes one of the wanted size. Scaling down averages areas, scaling
 * up interpolates linearly; a picture that has the wanted size already is not touched.
 *
 * @param size pixels a side, at least 1
 */
public record Resize(Mode mode, int size) implements Serializable {

  /** A larger side is no training picture, and its square would not fit a Java array. */
  static final int MOST_SIZE = 8192;

  /** What becomes of a picture that is not square. */
  public enum Mode {
    /** The centre square, scaled: {@code size x size}. */
    CENTER_CROP,
    /** The whole picture, centred on a white square: {@code size x size}. */
    PAD,
    /** The whole picture, its longer side {@code size}, the shorter in proportion, at least 1. */
    KEEP_RATIO;

    /** The name in configurations: lower case with underscores. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The mode of that {@link #id()}.
     *
     * @throws IllegalArgumentException when there is none
     */
    public static Mode of(String id) {
      return Arrays.stream(values())
          .filter(mode -> mode.id().equals(id))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "Cannot resize pictures: resize=%s, expected one of %s"
                          .formatted(
                              id,
                              Arrays.stream(values())
                                  .map(Mode::id)
                                  .collect(Collectors.joining(", ")))));
    }
  }

  public Resize {
    requireNonNull(mode, "mode");
    if (size < 1 || size > MOST_SIZE) {
      throw new IllegalArgumentException(
          "Cannot resize pictures: size=%d, expected 1 to %d".formatted(size, MOST_SIZE));
    }
  }

  /** The centre square of {@code size} pixels a side. */
  public static Resize square(int size) {
    return new Resize(Mode.CENTER_CROP, size);
  }

  /** Pixels that a stored {@code side} of the picture becomes, before any border is added. */
  int scaled(int side, int width, int height) {
    return mode == Mode.CENTER_CROP
        ? size
        : (int) Math.max(1, Math.round((double) side * size / Math.max(width, height)));
  }

  /** Left, top, right and bottom border of the part that is used, in pixels. */
  double[] window(int width, int height) {
    if (mode != Mode.CENTER_CROP) {
      return new double[] {0, 0, width, height};
    }
    int side = Math.min(width, height);
    double left = (width - side) / 2.0;
    double top = (height - side) / 2.0;
    return new double[] {left, top, left + side, top + side};
  }

  /** How many times larger than wanted a picture is; below 1 when it is smaller. */
  double reduction(int width, int height) {
    int reference = mode == Mode.CENTER_CROP ? Math.min(width, height) : Math.max(width, height);
    return (double) reference / size;
  }

  /** Adds the white border. */
  Pixels padded(Pixels picture) {
    if (mode != Mode.PAD || (picture.width() == size && picture.height() == size)) {
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
}
