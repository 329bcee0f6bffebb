package org.talespark.data.image;

import java.util.ArrayList;
import java.util.List;

/**
 * What {@link ReducedJpeg} must know before the data of the only scan: the tables and the frame.
 *
 * @param scan offset of the entropy-coded data
 * @param restart MCUs between two restart markers, 0 for none
 */
record JpegPlan(int width, int height, List<Component> components, int restart, long scan) {

  /**
   * One component of the frame.
   *
   * @param across blocks of it in an MCU, horizontally
   * @param down blocks of it in an MCU, vertically
   * @param quantisation 64 steps in zigzag order
   */
  @SuppressWarnings("ArrayRecordComponent") // tables, compared by nobody
  record Component(int id, int across, int down, int[] quantisation, JpegPairs tables) {}

  private static final class Reader {
    private final ByteView view;
    private final int[][] quantisation = new int[4][];
    private final JpegHuffman[] dc = new JpegHuffman[4];
    private final JpegHuffman[] ac = new JpegHuffman[4];
    private boolean jfif;
    private int adobe = -1;
    private int restart;
    private long frame = -1;

    Reader(ByteView view) {
      this.view = view;
    }

    JpegPlan read() {
      long at = 2;
      while (true) {
        while (view.u8(at) != 0xFF || view.u8(at + 1) == 0xFF || view.u8(at + 1) == 0) {
          at++;
        }
        int marker = view.u8(at + 1);
        at += 2;
        boolean alone = marker == 0x01 || (marker >= 0xD0 && marker <= 0xD9);
        if (alone) {
          return null;
        }
        long end = at + view.u16be(at);
        switch (marker) {
          case 0xC0, 0xC1 -> {
            if (frame >= 0) {
              return null;
            }
            frame = at;
          }
          case 0xC4 -> huffman(at + 2, end);
          case 0xDB -> quantisation(at + 2, end);
          case 0xDD -> restart = view.u16be(at + 2);
          case 0xE0 -> jfif |= view.has(at + 2, "JFIF\0");
          case 0xEE -> adobe = view.has(at + 2, "Adobe") ? view.u8(at + 13) : adobe;
          case 0xDA -> {
            return frame < 0 ? null : plan(at, end);
          }
          default -> {
            if (marker >= 0xC2 && marker <= 0xCF) {
              return null; // progressive, lossless, arithmetic
            }
          }
        }
        at = Math.max(end, at + 2);
      }
    }

    private void quantisation(long from, long end) {
      long at = from;
      while (at < end) {
        int kind = view.u8(at);
        boolean wide = kind >> 4 != 0;
        int[] steps = new int[64];
        for (int i = 0; i < 64; i++) {
          steps[i] = wide ? view.u16be(at + 1 + 2L * i) : view.u8(at + 1 + i);
        }
        quantisation[kind & 3] = steps;
        at += wide ? 129 : 65;
      }
    }

    private void huffman(long from, long end) {
      long at = from;
      while (at < end) {
        int kind = view.u8(at);
        int symbols = 0;
        for (int i = 1; i <= 16; i++) {
          symbols += view.u8(at + i);
        }
        if (symbols > 256) {
          throw JpegHuffman.damaged("a Huffman table of %d symbols".formatted(symbols));
        }
        boolean first = kind >> 4 == 0;
        (first ? dc : ac)[kind & 3] = JpegHuffman.of(view, at + 1, symbols, first);
        at += 17 + symbols;
      }
    }

    /** Null unless the scan has all components, in the frame's order and of usual colours. */
    private JpegPlan plan(long at, long end) {
      int number = view.u8(frame + 7);
      boolean whole = view.u8(at + 2) == number && end == at + 6L + 2L * number;
      if (!whole || (number != 1 && number != 3) || !usualColours(number)) {
        return null;
      }
      List<Component> components = new ArrayList<>();
      for (int c = 0; c < number; c++) {
        long entry = frame + 8 + 3L * c;
        int sampling = view.u8(entry + 1);
        int tables = view.u8(at + 4 + 2L * c);
        int id = view.u8(entry);
        int[] steps = quantisation[view.u8(entry + 2) & 3];
        JpegHuffman first = dc[tables >> 4 & 3];
        JpegHuffman others = ac[tables & 3];
        boolean complete = steps != null && first != null && others != null;
        if (!complete || view.u8(at + 3 + 2L * c) != id) {
          return null;
        }
        components.add(
            new Component(
                id,
                number == 1 ? 1 : sampling >> 4,
                number == 1 ? 1 : sampling & 15,
                steps,
                JpegPairs.of(first, others)));
      }
      return usualSampling(components)
          ? new JpegPlan(view.u16be(frame + 5), view.u16be(frame + 3), components, restart, end)
          : null;
    }

    /** YCbCr or grey, by libjpeg's rules. */
    private boolean usualColours(int number) {
      boolean letters = view.u8(frame + 8) == 'R' && view.u8(frame + 11) == 'G';
      return number == 1 || jfif || (adobe < 0 ? !letters : adobe == 1);
    }

    /** Full or halved chroma. */
    private static boolean usualSampling(List<Component> components) {
      Component luma = components.get(0);
      boolean usual = luma.across() >= 1 && luma.across() <= 2;
      usual &= luma.down() >= 1 && luma.down() <= 2;
      for (Component chroma : components.subList(1, components.size())) {
        usual &= chroma.across() == 1 && chroma.down() == 1;
      }
      return usual;
    }
  }

  /** The plan, or null for a JPEG of a rarer kind. */
  static JpegPlan of(ByteView view) {
    return new Reader(view).read();
  }

  /** Columns of MCUs. */
  int columns() {
    int width = 8 * components.get(0).across();
    return (this.width + width - 1) / width;
  }

  /** Rows of MCUs. */
  int rows() {
    int height = 8 * components.get(0).down();
    return (this.height + height - 1) / height;
  }
}
