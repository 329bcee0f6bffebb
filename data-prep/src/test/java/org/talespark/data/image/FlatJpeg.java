package org.talespark.data.image;

import java.io.ByteArrayOutputStream;

/**
 * A baseline JPEG of one colour, written by hand so that its samples are known exactly: each block
 * has a DC coefficient alone, quantised by one.
 */
final class FlatJpeg {

  /** No Adobe marker. */
  static final int NO_ADOBE = -1;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private int bits;
  private int free = 8;

  private FlatJpeg() {}

  /**
   * Encodes the samples of one pixel as a whole picture.
   *
   * @param adobe the transform of an Adobe marker: 0 none, 1 YCbCr, 2 YCCK; or {@link #NO_ADOBE}
   */
  static byte[] of(int side, int adobe, int... samples) {
    FlatJpeg jpeg = new FlatJpeg();
    jpeg.head(side, adobe, samples.length);
    int blocks = (side + 7) / 8;
    for (int i = 0; i < blocks * blocks; i++) {
      for (int sample : samples) {
        jpeg.block(i == 0 ? 8 * (sample - 128) : 0);
      }
    }
    jpeg.put(0x7F, 7); // fill the last byte with ones
    jpeg.bytes(0xFF, 0xD9);
    return jpeg.out.toByteArray();
  }

  private void head(int side, int adobe, int components) {
    bytes(0xFF, 0xD8);
    if (adobe != NO_ADOBE) {
      bytes(0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, adobe);
    }
    bytes(0xFF, 0xDB, 0, 67, 0);
    for (int i = 0; i < 64; i++) {
      bytes(1);
    }
    bytes(0xFF, 0xC0, 0, 8 + 3 * components, 8, side >> 8, side & 255, side >> 8, side & 255);
    bytes(components);
    for (int c = 1; c <= components; c++) {
      bytes(c, 0x11, 0);
    }
    // DC: categories 0 to 11, four bits each
    bytes(0xFF, 0xC4, 0, 31, 0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    bytes(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    // AC: end of block, one bit
    bytes(0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    bytes(0xFF, 0xDA, 0, 6 + 2 * components, components);
    for (int c = 1; c <= components; c++) {
      bytes(c, 0);
    }
    bytes(0, 63, 0);
  }

  private void block(int difference) {
    int category = 32 - Integer.numberOfLeadingZeros(Math.abs(difference));
    put(category, 4);
    put(difference < 0 ? difference - 1 + (1 << category) : difference, category);
    put(0, 1);
  }

  private void put(int value, int count) {
    for (int i = count - 1; i >= 0; i--) {
      free--;
      bits |= (value >> i & 1) << free;
      if (free == 0) {
        out.write(bits);
        if (bits == 0xFF) {
          out.write(0);
        }
        bits = 0;
        free = 8;
      }
    }
  }

  private void bytes(int... values) {
    for (int value : values) {
      out.write(value);
    }
  }
}
