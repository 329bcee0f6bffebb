package org.talespark.data.image;

import static java.util.Objects.requireNonNull;

/**
 * An 8-bit RGB picture: {@code rgb[(y * width + x) * 3 + channel]}. The array is shared, not
 * copied: whoever holds a picture must not change it.
 */
@SuppressWarnings("ArrayRecordComponent") // a buffer, compared by nobody
public record Pixels(int width, int height, byte[] rgb) {

  public Pixels {
    requireNonNull(rgb, "rgb");
    if (width < 1 || height < 1 || rgb.length != 3L * width * height) {
      throw new IllegalArgumentException(
          "Cannot hold pixels: width=%d height=%d bytes=%d, expected bytes = 3 * width * height"
              .formatted(width, height, rgb.length));
    }
  }
}
