package org.talespark.data.image;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The two Huffman tables of a component made for speed: looked up with the next {@value #PEEK}
 * bits, an entry mostly gives two coefficients, and the end of the block if it follows.
 *
 * <p>An entry has 32 bits, so that the tables of a picture stay in the processor's first cache:
 * {@code value << 24 | value of the second << 19 | (advance of the first - 1) << 15 | coefficients
 * << 13 | advance of all << 6 | bits}. If the block ends there, {@link JpegHuffman#END} is part of
 * the advance. Values that are not there are zero. An entry must not be taken if its coefficients
 * lead to the last place of a block or beyond: what follows the last place belongs to the next
 * block.
 *
 * <p>Like the tables they are made of, the last ones are kept and may be shared between threads.
 */
final class JpegPairs {

  /** Bits to look up with. */
  static final int PEEK = 12;

  private static final int ADVANCE_SHIFT = 6;

  /** Advance of an entry that is none: leads out of any block. */
  static final int NONE = 127 << ADVANCE_SHIFT;

  /** An entry of one coefficient, a zero, of no bits. */
  static final int ONE = 1 << 13 | 1 << ADVANCE_SHIFT;

  private static final int FIRST_BITS = 8;
  private static final int SECOND_BITS = 5;
  private static final int MOST_KEPT = 32;
  private static final Map<List<JpegHuffman>, JpegPairs> KEPT =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<List<JpegHuffman>, JpegPairs> eldest) {
          return size() > MOST_KEPT;
        }
      };

  final JpegHuffman first;
  final JpegHuffman others;

  /** Where a block begins. Its first coefficient counts as one that advances by one. */
  final int[] starts = new int[1 << PEEK];

  /** Behind the first coefficient. */
  final int[] pairs = new int[1 << PEEK];

  /**
   * Behind the first coefficient, for blocks whose coefficients are not wanted: advance and bits
   * alone, of all codes that the bits hold whole.
   */
  final char[] skips = new char[1 << PEEK];

  private JpegPairs(JpegHuffman first, JpegHuffman others) {
    this.first = first;
    this.others = others;
  }

  /** The tables of a component's first coefficients and of its others. */
  static JpegPairs of(JpegHuffman first, JpegHuffman others) {
    List<JpegHuffman> key = List.of(first, others);
    synchronized (KEPT) {
      JpegPairs kept = KEPT.get(key);
      if (kept != null) {
        return kept;
      }
    }
    JpegPairs made = new JpegPairs(first, others);
    Arrays.setAll(made.starts, window -> made.entry(window, first));
    Arrays.setAll(made.pairs, window -> made.entry(window, others));
    for (int window = 0; window < made.skips.length; window++) {
      made.skips[window] = (char) made.skip(window);
    }
    synchronized (KEPT) {
      KEPT.put(key, made);
    }
    return made;
  }

  /** The same tables without any pairs. */
  JpegPairs single() {
    JpegPairs single = new JpegPairs(first, others);
    Arrays.fill(single.starts, NONE);
    Arrays.fill(single.pairs, NONE);
    Arrays.fill(single.skips, (char) NONE);
    return single;
  }

  /** Bits that an entry takes; a shift takes them from it by itself. */
  static int bits(int entry) {
    return entry & 63;
  }

  /** How far an entry leads. */
  static int advance(int entry) {
    return entry >>> ADVANCE_SHIFT & 127;
  }

  /** How far the first coefficient lies behind the last one of before. */
  static int firstAdvance(int entry) {
    return (entry >>> 15 & 15) + 1;
  }

  static int firstValue(int entry) {
    return entry >> 24;
  }

  static int secondValue(int entry) {
    return entry << 8 >> 27;
  }

  /** How many coefficients an entry has: 0 to 2. */
  static int coefficients(int entry) {
    return entry >>> 13 & 3;
  }

  /** Whether an entry that leads to a place ends the block, and may do so. */
  static boolean ends(int entry, int place) {
    return (entry & JpegHuffman.END << ADVANCE_SHIFT) != 0 && place < 63 + JpegHuffman.END;
  }

  private int entry(int window, JpegHuffman begin) {
    JpegHuffman table = begin;
    int values = 0;
    int total = 0;
    int number = 0;
    int used = 0;
    boolean end = false;
    while (!end) {
      int entry = table.entry(window, PEEK, used);
      if (entry == 0) {
        break;
      }
      int advance = JpegHuffman.advance(entry);
      end = advance == JpegHuffman.END;
      if (!end) {
        int value = JpegHuffman.value(entry);
        if (number == 2 || !fits(value, number == 0 ? FIRST_BITS : SECOND_BITS)) {
          break;
        }
        values |= number == 0 ? value << 24 | (advance - 1) << 15 : (value & 31) << 19;
        number++;
      }
      total += advance;
      used += JpegHuffman.bits(entry);
      table = others;
    }
    return used == 0 ? NONE : values | number << 13 | total << ADVANCE_SHIFT | used;
  }

  private int skip(int window) {
    int total = 0;
    int used = 0;
    boolean end = false;
    while (!end) {
      int entry = others.entry(window, PEEK, used);
      int advance = JpegHuffman.advance(entry);
      end = advance == JpegHuffman.END;
      if (entry == 0 || (!end && total + advance >= 63)) {
        break;
      }
      total += advance;
      used += JpegHuffman.bits(entry);
    }
    return used == 0 ? NONE : total << ADVANCE_SHIFT | used;
  }

  /** Whether a signed number of so many bits can have the value. */
  private static boolean fits(int value, int bits) {
    int unused = Integer.SIZE - bits;
    return value << unused >> unused == value;
  }
}
