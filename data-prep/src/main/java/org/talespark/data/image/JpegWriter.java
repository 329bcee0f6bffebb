package org.talespark.data.image;

import java.util.Arrays;
import javax.imageio.plugins.jpeg.JPEGHuffmanTable;
import javax.imageio.plugins.jpeg.JPEGQTable;

/**
 * Baseline JPEG files (ITU-T T.81) with halved chroma, the standard's tables and libjpeg's scale of
 * quality. OpenCV's own encoder comes without vector instructions; this one takes half its time.
 * The same pixels give the same bytes on every machine, for Java's floats are strict.
 */
final class JpegWriter {

  /** Coefficients a table codes: ten bits, and eleven for differences of the first ones. */
  private static final int MOST_AC = 1023;

  private static final int MARGIN = 1024;

  /** Colour weights are whole numbers of this unit. */
  private static final float UNIT = 1 / 65_536f;

  /** A component's tables, ready for use. */
  private static final class Tables {
    final int[] steps = new int[64];
    final float[] factors = new float[64];

    /** Where in a plane the k-th coefficient stands, from the block's first one. */
    final int[] places = new int[64];

    final int[] dc;
    final int[] ac;

    /** Steps and factors in zigzag order; AAN's scales are part of the factors. */
    Tables(JPEGQTable standard, JPEGHuffmanTable dc, JPEGHuffmanTable ac, int quality, int stride) {
      int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
      int[] base = standard.getTable();
      for (int k = 0; k < 64; k++) {
        int at = BlockScaler.natural(k);
        places[k] = at / 8 * stride + at % 8;
        steps[k] = Math.max(1, Math.min(255, (base[at] * scale + 50) / 100));
        factors[k] =
            (float) (1 / (8 * steps[k] * ForwardDct.scale(at / 8) * ForwardDct.scale(at % 8)));
      }
      this.dc = codes(dc);
      this.ac = codes(ac);
    }

    /** By symbol: {@code code << 5 | length}. */
    private static int[] codes(JPEGHuffmanTable table) {
      int[] codes = new int[256];
      short[] lengths = table.getLengths();
      short[] values = table.getValues();
      int code = 0;
      int at = 0;
      for (int length = 1; length <= lengths.length; length++) {
        for (int i = 0; i < lengths[length - 1]; i++) {
          codes[values[at]] = code << 5 | length;
          code++;
          at++;
        }
        code <<= 1;
      }
      return codes;
    }
  }

  private final Pixels pixels;
  private final Tables luma;
  private final Tables chroma;
  private final int columns;
  private final int rows;
  private final int[] block = new int[64];
  private byte[] out;
  private int length;
  private long bits;
  private int pending;

  private JpegWriter(Pixels pixels, int quality) {
    this.pixels = pixels;
    this.columns = (pixels.width() + 15) / 16;
    this.rows = (pixels.height() + 15) / 16;
    this.luma =
        new Tables(
            JPEGQTable.K1Luminance,
            JPEGHuffmanTable.StdDCLuminance,
            JPEGHuffmanTable.StdACLuminance,
            quality,
            16 * columns);
    this.chroma =
        new Tables(
            JPEGQTable.K2Chrominance,
            JPEGHuffmanTable.StdDCChrominance,
            JPEGHuffmanTable.StdACChrominance,
            quality,
            8 * columns);
    this.out = new byte[2 * MARGIN + pixels.width() * pixels.height() / 2];
  }

  static byte[] encode(Pixels pixels, int quality) {
    return new JpegWriter(pixels, quality).encode();
  }

  private byte[] encode() {
    head();
    int width = 16 * columns;
    float[] y = new float[width * 16 * rows];
    float[] cb = new float[y.length / 4];
    float[] cr = new float[y.length / 4];
    planes(y, cb, cr);
    ForwardDct.apply(y, width);
    ForwardDct.apply(cb, width / 2);
    ForwardDct.apply(cr, width / 2);
    int[] before = new int[3];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        for (int i = 0; i < 4; i++) {
          int at = (16 * row + i / 2 * 8) * width + 16 * column + i % 2 * 8;
          before[0] = write(y, at, luma, before[0]);
        }
        int at = 8 * row * (width / 2) + 8 * column;
        before[1] = write(cb, at, chroma, before[1]);
        before[2] = write(cr, at, chroma, before[2]);
      }
    }
    put(0x7F, 7); // ones to the end of the byte
    while (pending >= 8) {
      pending -= 8;
      stuffed((int) (bits >>> pending) & 0xFF);
    }
    bytes(0xFF, 0xD9);
    return Arrays.copyOf(out, length);
  }

  private void head() {
    bytes(0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0);
    bytes(0xFF, 0xDB, 0, 132, 0);
    bytes(luma.steps);
    bytes(1);
    bytes(chroma.steps);
    int width = pixels.width();
    int height = pixels.height();
    bytes(0xFF, 0xC0, 0, 17, 8, height >> 8, height & 0xFF, width >> 8, width & 0xFF, 3);
    bytes(1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1);
    huffman(0x00, JPEGHuffmanTable.StdDCLuminance);
    huffman(0x10, JPEGHuffmanTable.StdACLuminance);
    huffman(0x01, JPEGHuffmanTable.StdDCChrominance);
    huffman(0x11, JPEGHuffmanTable.StdACChrominance);
    bytes(0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0);
  }

  private void huffman(int kind, JPEGHuffmanTable table) {
    short[] lengths = table.getLengths();
    short[] values = table.getValues();
    int size = 19 + values.length;
    bytes(0xFF, 0xC4, size >> 8, size & 0xFF, kind);
    for (int i = 0; i < 16; i++) {
      bytes(i < lengths.length ? lengths[i] : 0);
    }
    for (short value : values) {
      bytes(value);
    }
  }

  /** RGB to luma and, of two by two pixels, chroma (ITU-T T.871, 7); borders are repeated. */
  private void planes(float[] y, float[] cb, float[] cr) {
    int width = 16 * columns;
    byte[] upper = new byte[3 * width];
    byte[] lower = new byte[3 * width];
    for (int row = 0; row < 16 * rows; row += 2) {
      fill(upper, row);
      fill(lower, row + 1);
      int first = row * width;
      int second = first + width;
      int half = row / 2 * (width / 2);
      for (int x = 0; x < width / 2; x++) {
        int red = 0;
        int green = 0;
        int blue = 0;
        for (int i = 0; i < 2; i++) {
          int at = 6 * x + 3 * i;
          int r = upper[at] & 0xFF;
          int g = upper[at + 1] & 0xFF;
          int b = upper[at + 2] & 0xFF;
          y[first + 2 * x + i] = light(r, g, b);
          red += r;
          green += g;
          blue += b;
          r = lower[at] & 0xFF;
          g = lower[at + 1] & 0xFF;
          b = lower[at + 2] & 0xFF;
          y[second + 2 * x + i] = light(r, g, b);
          red += r;
          green += g;
          blue += b;
        }
        // the weights -0.168736, -0.331264 and 0.5, and 0.5, -0.418688 and -0.081312
        cb[half + x] = (-11_058 * red - 21_710 * green + 32_768 * blue) * (UNIT / 4);
        cr[half + x] = (32_768 * red - 27_439 * green - 5_329 * blue) * (UNIT / 4);
      }
    }
  }

  /** 0.299, 0.587 and 0.114 parts, around zero. */
  private static float light(int r, int g, int b) {
    return (19_595 * r + 38_470 * g + 7_471 * b) * UNIT - 128;
  }

  private void fill(byte[] row, int number) {
    int filled = 3 * pixels.width();
    System.arraycopy(pixels.rgb(), Math.min(number, pixels.height() - 1) * filled, row, 0, filled);
    for (int i = filled; i < row.length; i++) {
      row[i] = row[i - 3];
    }
  }

  /** Quantises and codes a block; returns its first coefficient. */
  private int write(float[] plane, int at, Tables tables, int before) {
    float[] factors = tables.factors;
    int[] places = tables.places;
    int[] found = block;
    long mask = 0;
    for (int k = 0; k < 64; k++) {
      float value = plane[at + places[k]] * factors[k];
      int level = AreaFilter.round(value);
      found[k] = level;
      mask |= (long) ((level | -level) >>> 31) << k;
    }
    if (out.length - length < MARGIN) {
      out = Arrays.copyOf(out, 2 * out.length);
    }
    int difference = found[0] - before;
    int size = 32 - Integer.numberOfLeadingZeros(Math.abs(difference));
    code(tables.dc[size], difference, size);
    int last = 0;
    int[] ac = tables.ac;
    for (long left = mask & -2L; left != 0; left &= left - 1) {
      int k = Long.numberOfTrailingZeros(left);
      int run = k - last - 1;
      while (run > 15) {
        code(ac[0xF0], 0, 0);
        run -= 16;
      }
      int level = Math.max(-MOST_AC, Math.min(MOST_AC, found[k]));
      size = 32 - Integer.numberOfLeadingZeros(Math.abs(level));
      code(ac[run << 4 | size], level, size);
      last = k;
    }
    if (last < 63) {
      code(ac[0], 0, 0);
    }
    return found[0];
  }

  /** A Huffman code and the bits of the value behind it. */
  private void code(int code, int value, int size) {
    int extra = (value + (value >> 31)) & ((1 << size) - 1);
    put((code >>> 5) << size | extra, (code & 31) + size);
  }

  private void put(int value, int count) {
    bits = bits << count | value;
    pending += count;
    if (pending >= 32) {
      pending -= 32;
      int word = (int) (bits >>> pending);
      if (((~word - 0x01010101) & word & 0x80808080) == 0) { // no byte is 0xFF
        out[length] = (byte) (word >>> 24);
        out[length + 1] = (byte) (word >>> 16);
        out[length + 2] = (byte) (word >>> 8);
        out[length + 3] = (byte) word;
        length += 4;
      } else {
        for (int shift = 24; shift >= 0; shift -= 8) {
          stuffed(word >>> shift & 0xFF);
        }
      }
    }
  }

  private void stuffed(int value) {
    out[length] = (byte) value;
    length++;
    if (value == 0xFF) {
      out[length] = 0;
      length++;
    }
  }

  private void bytes(int... values) {
    for (int value : values) {
      out[length] = (byte) value;
      length++;
    }
  }
}
