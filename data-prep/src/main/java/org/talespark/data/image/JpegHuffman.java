package org.talespark.data.image;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.talespark.data.Reason;

/**
 * A Huffman table of a JPEG (ITU-T T.81, annexes C and F) made for speed: looked up with the next
 * {@value #PEEK} bits, an entry mostly gives the whole coefficient, its code and its extra bits in
 * one step.
 *
 * <p>An entry is {@code value << 16 | advance << 6 | bits}: the coefficient, how far it lies behind
 * the last one ({@value #END} for the end of the block) and the bits it takes; 0 where the bits
 * looked at are too few.
 *
 * <p>Tables take time to make, and most files have the standard's, so that the last ones made are
 * kept; they do not change and may be shared between threads.
 */
final class JpegHuffman {

  static final int PEEK = 11;
  static final int END = 64;

  private static final int MOST_KEPT = 64;
  private static final Map<ByteBuffer, JpegHuffman> KEPT =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ByteBuffer, JpegHuffman> eldest) {
          return size() > MOST_KEPT;
        }
      };

  private static final int ADVANCE_SHIFT = 6;
  private static final int VALUE_SHIFT = 16;
  private static final int LONGEST = 16;
  private static final int MOST_DC_BITS = 11;

  private final int[] entries = new int[1 << PEEK];

  /**
   * By the same bits as entries: {@code length << 8 | symbol} of a code that is no longer, else 0.
   */
  private final short[] codes = new short[1 << PEEK];

  /** Codes of length n lie below {@code limits[n]}, read as the first of 16 bits. */
  private final int[] limits = new int[LONGEST + 1];

  private final int[] offsets = new int[LONGEST + 1];
  private final byte[] symbols;
  private final boolean dc;

  /** Builds the look-up from sixteen counts of codes of 1 to 16 bits and the symbols. */
  private JpegHuffman(byte[] table, boolean dc) {
    this.dc = dc;
    symbols = Arrays.copyOfRange(table, LONGEST, table.length);
    int code = 0;
    int index = 0;
    for (int length = 1; length <= LONGEST; length++) {
      int count = table[length - 1] & 0xFF;
      offsets[length] = index - code;
      for (int i = 0; i < count && length <= PEEK; i++) {
        enter(code + i, length, symbols[index + i] & 0xFF);
      }
      code += count;
      index += count;
      if (code > 1 << length) {
        throw damaged("its Huffman codes overflow");
      }
      limits[length] = code << (LONGEST - length);
      code <<= 1;
    }
  }

  /**
   * A table as the file stores it.
   *
   * @param at where sixteen counts of codes of 1 to 16 bits stand; the symbols follow
   */
  static JpegHuffman of(ByteView view, long at, int symbolCount, boolean dc) {
    byte[] key = new byte[LONGEST + symbolCount + 1];
    for (int i = 0; i < key.length - 1; i++) {
      key[i] = (byte) view.u8(at + i);
    }
    key[key.length - 1] = (byte) (dc ? 0 : 1);
    synchronized (KEPT) {
      JpegHuffman kept = KEPT.get(ByteBuffer.wrap(key));
      if (kept != null) {
        return kept;
      }
    }
    JpegHuffman made = new JpegHuffman(Arrays.copyOf(key, key.length - 1), dc);
    synchronized (KEPT) {
      KEPT.put(ByteBuffer.wrap(key), made);
    }
    return made;
  }

  private void enter(int code, int length, int symbol) {
    int codeRest = PEEK - length;
    for (int i = 0; i < 1 << codeRest && (code << codeRest) + i < codes.length; i++) {
      codes[(code << codeRest) + i] = (short) (length << 8 | symbol);
    }
    int size = size(symbol);
    int rest = codeRest - size;
    if (rest < 0 || (dc && size > MOST_DC_BITS)) {
      return;
    }
    for (int extra = 0; extra < 1 << size; extra++) {
      int entry = pack(symbol, extra, length + size);
      int from = ((code << size) | extra) << rest;
      for (int i = 0; i < 1 << rest && from + i < entries.length; i++) {
        entries[from + i] = entry;
      }
    }
  }

  /** Bits that an entry takes; a shift takes them from it by itself. */
  static int bits(int entry) {
    return entry & 63;
  }

  /** How far a coefficient lies behind the last one, or {@link #END}. */
  static int advance(int entry) {
    return entry >>> ADVANCE_SHIFT & 127;
  }

  static int value(int entry) {
    return entry >> VALUE_SHIFT;
  }

  /**
   * The entry of what begins a window of bits, whose first ones are used already; 0 where it needs
   * more bits than there are.
   *
   * @param size bits of the window, less than 32
   */
  int entry(int window, int size, int used) {
    long bits = (long) window << (64 - size) << used;
    int place = (int) (bits >>> (64 - PEEK));
    int entry = entries[place];
    if (entry == 0) {
      int code = codes[place];
      boolean whole = code != 0 && used + (code >> 8) + size(code & 0xFF) <= size;
      return whole ? slow(bits) : 0;
    }
    return used + bits(entry) > size ? 0 : entry;
  }

  /** The entry of what begins with these bits. */
  int entry(long bits) {
    int entry = entries[(int) (bits >>> (64 - PEEK))];
    return entry == 0 ? slow(bits) : entry;
  }

  /** The entry of what begins with these bits, however long it is. */
  private int slow(long bits) {
    int code = codes[(int) (bits >>> (64 - PEEK))];
    int length = code >> 8;
    int symbol = code & 0xFF;
    if (code == 0) {
      int peek = (int) (bits >>> (64 - LONGEST));
      length = PEEK + 1;
      while (length <= LONGEST && peek >= limits[length]) {
        length++;
      }
      if (length > LONGEST) {
        throw damaged("no such Huffman code");
      }
      symbol = symbols[(peek >>> (LONGEST - length)) + offsets[length]] & 0xFF;
    }
    int size = size(symbol);
    if (dc && size > MOST_DC_BITS) {
      throw damaged("a coefficient out of range");
    }
    int extra = size == 0 ? 0 : (int) (bits << length >>> (64 - size));
    return pack(symbol, extra, length + size);
  }

  private int size(int symbol) {
    return dc ? symbol : symbol & 15;
  }

  private int pack(int symbol, int extra, int bits) {
    int size = size(symbol);
    int value = size > 0 && extra < 1 << (size - 1) ? extra - (1 << size) + 1 : extra;
    int run = symbol >> 4;
    int advance = !dc && size == 0 && run < 15 ? END : run + 1;
    return value << VALUE_SHIFT | advance << ADVANCE_SHIFT | bits;
  }

  static PictureException damaged(String why) {
    return new PictureException(Reason.UNDECODABLE, "Cannot decode JPEG: " + why);
  }
}
