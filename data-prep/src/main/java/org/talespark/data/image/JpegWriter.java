package org.talespark.data.image;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
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

  /** MCUs in memory, at least: enough for long loops, and few enough to stay in a near cache. */
  private static final int UNITS_AT_ONCE = 64;

  /** Colour weights are whole numbers of this unit. */
  private static final float UNIT = 1 / 65_536f;

  /** A component's tables, ready for use. */
  private static final class Tables {
    final int[] steps = new int[64];
    final float[] factors = new float[64];

    final int[] dc;
    final int[] ac;

    /** Steps and factors in zigzag order; AAN's scales are part of the factors. */
    Tables(JPEGQTable standard, JPEGHuffmanTable dc, JPEGHuffmanTable ac, int quality) {
      int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
      int[] base = standard.getTable();
      for (int k = 0; k < 64; k++) {
        int at = BlockScaler.natural(k);
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

  /** The tables of a quality. */
  private record Quality(Tables luma, Tables chroma) {
    private static final Map<Integer, Quality> KEPT = new ConcurrentHashMap<>();

    static Quality of(int quality) {
      return KEPT.computeIfAbsent(quality, Quality::made);
    }

    private static Quality made(int quality) {
      return new Quality(
          new Tables(
              JPEGQTable.K1Luminance,
              JPEGHuffmanTable.StdDCLuminance,
              JPEGHuffmanTable.StdACLuminance,
              quality),
          new Tables(
              JPEGQTable.K2Chrominance,
              JPEGHuffmanTable.StdDCChrominance,
              JPEGHuffmanTable.StdACChrominance,
              quality));
    }
  }

  private final Pixels pixels;
  private final Tables luma;
  private final Tables chroma;
  private final int columns;
  private final int rows;

  /** Rows of MCUs that are in memory. */
  private final int rowsAtOnce;

  private final byte[] upper;
  private final byte[] lower;
  private final int[] block = new int[64];
  private byte[] out;
  private int length;
  private long bits;
  private int pending;

  private JpegWriter(Pixels pixels, int quality) {
    this.pixels = pixels;
    this.columns = (pixels.width() + 15) / 16;
    this.rows = (pixels.height() + 15) / 16;
    this.rowsAtOnce = Math.min(rows, (UNITS_AT_ONCE + columns - 1) / columns);
    this.luma = Quality.of(quality).luma();
    this.chroma = Quality.of(quality).chroma();
    this.upper = new byte[48 * columns];
    this.lower = new byte[48 * columns];
    this.out = new byte[2 * MARGIN + pixels.width() * pixels.height() / 2];
  }

  static byte[] encode(Pixels pixels, int quality) {
    return new JpegWriter(pixels, quality).encode();
  }

  private byte[] encode() {
    head();
    int units = columns * rowsAtOnce;
    float[][] y = new float[64][4 * units];
    float[][] cb = new float[64][units];
    float[][] cr = new float[64][units];
    int[] before = new int[3];
    for (int row = 0; row < rows; row += rowsAtOnce) {
      int count = Math.min(rowsAtOnce, rows - row);
      read(row, count, y, cb, cr);
      write(count * columns, y, cb, cr, before);
    }
    put(0x7F, 7); // ones to the end of the byte
    while (pending >= 8) {
      pending -= 8;
      stuffed((int) (bits >>> pending) & 0xFF);
    }
    bytes(0xFF, 0xD9);
    return Arrays.copyOf(out, length);
  }

  /** Takes in some rows of MCUs. */
  private void read(int from, int count, float[][] y, float[][] cb, float[][] cr) {
    for (int row = 0; row < 16 * count; row += 2) {
      fill(upper, 16 * from + row);
      fill(lower, 16 * from + row + 1);
      for (int i = 0; i < 8; i++) {
        samples(row, i / 4, i % 4, y, cb, cr);
      }
    }
  }

  /** Transforms, quantises and codes so many MCUs. */
  private void write(int units, float[][] y, float[][] cb, float[][] cr, int[] before) {
    float[][] lumas = quantised(y, 4 * units, luma);
    float[][] blues = quantised(cb, units, chroma);
    float[][] reds = quantised(cr, units, chroma);
    for (int unit = 0; unit < units; unit++) {
      for (int i = 0; i < 4; i++) {
        before[0] = write(lumas, 4 * unit + i, luma, before[0]);
      }
      before[1] = write(blues, unit, chroma, before[1]);
      before[2] = write(reds, unit, chroma, before[2]);
    }
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

  /**
   * RGB to luma and, of two by two pixels, chroma (ITU-T T.871, 7), of one place in all blocks of a
   * row.
   *
   * @param row of the pixels in {@link #upper}
   * @param half the blocks on the left or on the right of their MCUs
   * @param pair which two columns of these blocks
   * @param y by place in a block, then by block in the order of the file
   */
  private void samples(int row, int half, int pair, float[][] y, float[][] cb, float[][] cr) {
    byte[] upper = this.upper;
    byte[] lower = this.lower;
    int place = row % 8 * 8 + 2 * pair;
    float[] upperLeft = y[place];
    float[] upperRight = y[place + 1];
    float[] lowerLeft = y[place + 8];
    float[] lowerRight = y[place + 9];
    float[] blue = cb[row / 2 % 8 * 8 + 4 * half + pair];
    float[] red = cr[row / 2 % 8 * 8 + 4 * half + pair];
    int unit = row / 16 * columns;
    int block = 4 * unit + row / 8 % 2 * 2 + half;
    int last = unit + columns;
    for (int at = 24 * half + 6 * pair; unit < last; at += 48) {
      int r = upper[at] & 0xFF;
      int g = upper[at + 1] & 0xFF;
      int b = upper[at + 2] & 0xFF;
      upperLeft[block] = light(r, g, b);
      int allRed = r;
      int allGreen = g;
      int allBlue = b;
      r = upper[at + 3] & 0xFF;
      g = upper[at + 4] & 0xFF;
      b = upper[at + 5] & 0xFF;
      upperRight[block] = light(r, g, b);
      allRed += r;
      allGreen += g;
      allBlue += b;
      r = lower[at] & 0xFF;
      g = lower[at + 1] & 0xFF;
      b = lower[at + 2] & 0xFF;
      lowerLeft[block] = light(r, g, b);
      allRed += r;
      allGreen += g;
      allBlue += b;
      r = lower[at + 3] & 0xFF;
      g = lower[at + 4] & 0xFF;
      b = lower[at + 5] & 0xFF;
      lowerRight[block] = light(r, g, b);
      allRed += r;
      allGreen += g;
      allBlue += b;
      // the weights -0.168736, -0.331264 and 0.5, and 0.5, -0.418688 and -0.081312
      blue[unit] = (-11_058 * allRed - 21_710 * allGreen + 32_768 * allBlue) * (UNIT / 4);
      red[unit] = (32_768 * allRed - 27_439 * allGreen - 5_329 * allBlue) * (UNIT / 4);
      block += 4;
      unit++;
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

  /** Samples by place to coefficients in zigzag order, whole numbers after rounding. */
  private static float[][] quantised(float[][] samples, int count, Tables tables) {
    ForwardDct.apply(samples, count);
    float[][] zigzag = new float[64][];
    for (int k = 0; k < 64; k++) {
      zigzag[k] = samples[BlockScaler.natural(k)];
      quantise(zigzag[k], tables.factors[k], count);
    }
    return zigzag;
  }

  private static void quantise(float[] values, float factor, int count) {
    for (int i = 0; i < count; i++) {
      values[i] = values[i] * factor + AreaFilter.ROUNDER;
    }
  }

  /** Codes a block; returns its first coefficient. */
  private int write(float[][] zigzag, int number, Tables tables, int before) {
    int[] found = block;
    long mask = 0;
    for (int k = 0; k < 64; k++) {
      int level = AreaFilter.rounded(zigzag[k][number]);
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
