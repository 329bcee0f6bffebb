package org.talespark.data.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.talespark.data.Reason;

/**
 * The entropy-coded data of one scan (ITU-T T.81, F.2.2): coefficients of block after block. The
 * stuffing is taken out first, so that eight bytes are read at a time.
 */
final class JpegBits {

  private static final VarHandle EIGHT =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final int PAIR_SHIFT = 64 - JpegHuffman.PAIR_PEEK;
  private static final int PADDING = 16;
  private static final int AHEAD = 8;

  /** Where each restart interval ends in {@link #data}. */
  private int[] ends = new int[16];

  private int intervals;
  private final byte[] data;
  private final long end;
  private int interval;
  private long bits;
  private int count;
  private int at;

  /** Of the block read last. */
  int difference;

  /** Of the block read last: {@code value << 16 | position}, position in zigzag order. */
  final int[] coefficients = new int[64 + 2];

  /** Takes in the data from an offset to the next marker that is no restart. */
  JpegBits(ByteView view, long from) {
    end = view.endOfScan(from);
    data = new byte[(int) (end - from) + PADDING];
    int length = 0;
    long position = from;
    while (position < end) {
      long next = Math.min(view.find(0xFF, position), end);
      view.copy(position, data, length, (int) (next - position));
      length += (int) (next - position);
      position = next;
      if (position < end) {
        int marker = view.u8(position + 1);
        if (marker == 0) {
          data[length] = (byte) 0xFF;
          length++;
          position += 2;
        } else if (marker == 0xFF) {
          position++;
        } else {
          close(length);
          position += 2;
        }
      }
    }
    close(length);
  }

  private void close(int length) {
    if (intervals == ends.length) {
      ends = Arrays.copyOf(ends, 2 * intervals);
    }
    ends[intervals] = length;
    intervals++;
  }

  /** The offset of the marker behind the scan. */
  long end() {
    return end;
  }

  /** Goes on with the next restart interval. */
  void restart() {
    checkNotPastEnd();
    interval++;
    if (interval >= intervals) {
      throw cut();
    }
    at = ends[interval - 1];
    bits = 0;
    count = 0;
  }

  /** Fails when more was read than the interval has: the picture's rest is missing. */
  void checkNotPastEnd() {
    if (at * 8L - count > ends[interval] * 8L) {
      throw cut();
    }
  }

  private static PictureException cut() {
    return new PictureException(
        Reason.TRUNCATED, "Cannot decode JPEG: its scan ends before the picture does");
  }

  /** Reads the first coefficient of a block. */
  private void first(JpegHuffman table) {
    if (at > data.length - AHEAD) {
      throw cut();
    }
    long buffer = bits | (long) EIGHT.get(data, at) >>> count;
    int entry = table.entry(buffer);
    at += (63 - count) >>> 3;
    count = (count | 56) - (entry & 63);
    bits = buffer << entry;
    difference = entry >> 16;
  }

  /** Reads a block and returns how many {@link #coefficients} it has behind the first. */
  int block(JpegHuffman first, JpegHuffman others) {
    first(first);
    byte[] from = data;
    int last = from.length - AHEAD;
    long[] pairs = others.pairs;
    long buffer = bits;
    int left = count;
    int place = at;
    int k = 0;
    int[] found = coefficients;
    int number = 0;
    while (k < 63) {
      if (place > last) {
        throw cut();
      }
      buffer |= (long) EIGHT.get(from, place) >>> left;
      place += (63 - left) >>> 3;
      left |= 56;
      long pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
      int next = k + ((int) pair >>> 24);
      if (next < 63 || ends(pair, next)) {
        found[number] = ((int) (pair >> 32) & 0xFFFF0000) | (k + ((int) pair >>> 16 & 31));
        found[number + 1] = (int) (pair >> 32) << 16 | (next & 63);
        number += (int) pair >>> 8 & 3;
        buffer <<= pair;
        left -= (int) pair & 63;
        k = next;
        continue;
      }
      int entry = others.entry(buffer);
      buffer <<= entry;
      left -= entry & 63;
      k += entry >>> 6 & 127;
      if (k > 63) {
        checkEnds(entry);
        break;
      }
      found[number] = (entry & 0xFFFF0000) | k;
      number++;
    }
    bits = buffer;
    count = left;
    at = place;
    return number;
  }

  /**
   * Reads a block and returns the sum of its coefficients behind the first times weights.
   *
   * <p>After a refill at least 56 bits are there: enough for four pairs or one coefficient of any
   * length, so that the way through the loop hardly ever depends on the data. A shift takes the low
   * six bits of an entry by itself.
   */
  long sum(JpegHuffman first, JpegHuffman others, long[] weights) {
    first(first);
    byte[] from = data;
    int last = from.length - AHEAD;
    long[] pairs = others.pairs;
    long buffer = bits;
    int left = count;
    int place = at;
    int k = 0;
    long all = 0;
    reading:
    while (k < 63) {
      if (place > last) {
        throw cut();
      }
      buffer |= (long) EIGHT.get(from, place) >>> left;
      place += (63 - left) >>> 3;
      left |= 56;
      long pair;
      int next;
      while (true) {
        pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
        next = k + ((int) pair >>> 24);
        if (next >= 63) {
          break;
        }
        all += (pair >> 48) * weights[k + ((int) pair >>> 16 & 31)];
        all += (short) (pair >> 32) * weights[next];
        buffer <<= pair;
        left -= (int) pair & 63;
        k = next;
        pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
        next = k + ((int) pair >>> 24);
        if (next >= 63) {
          break;
        }
        all += (pair >> 48) * weights[k + ((int) pair >>> 16 & 31)];
        all += (short) (pair >> 32) * weights[next];
        buffer <<= pair;
        left -= (int) pair & 63;
        k = next;
        pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
        next = k + ((int) pair >>> 24);
        if (next >= 63) {
          break;
        }
        all += (pair >> 48) * weights[k + ((int) pair >>> 16 & 31)];
        all += (short) (pair >> 32) * weights[next];
        buffer <<= pair;
        left -= (int) pair & 63;
        k = next;
        pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
        next = k + ((int) pair >>> 24);
        if (next >= 63) {
          break;
        }
        all += (pair >> 48) * weights[k + ((int) pair >>> 16 & 31)];
        all += (short) (pair >> 32) * weights[next];
        buffer <<= pair;
        left -= (int) pair & 63;
        k = next;
        continue reading;
      }
      if (ends(pair, next)) {
        all += (pair >> 48) * weights[k + ((int) pair >>> 16 & 31)];
        all += (short) (pair >> 32) * weights[next & 63];
        buffer <<= pair;
        left -= (int) pair & 63;
        break;
      }
      if (place > last) {
        throw cut();
      }
      buffer |= (long) EIGHT.get(from, place) >>> left;
      place += (63 - left) >>> 3;
      left |= 56;
      int entry = others.entry(buffer);
      buffer <<= entry;
      left -= entry & 63;
      k += entry >>> 6 & 127;
      if (k > 63) {
        checkEnds(entry);
        break;
      }
      all += (entry >> 16) * weights[k];
    }
    bits = buffer;
    count = left;
    at = place;
    return all;
  }

  /** Reads a block of which only the first coefficient is wanted. */
  void skip(JpegHuffman first, JpegHuffman others) {
    first(first);
    byte[] from = data;
    int last = from.length - AHEAD;
    long[] pairs = others.pairs;
    long buffer = bits;
    int left = count;
    int place = at;
    int k = 0;
    reading:
    while (k < 63) {
      if (place > last) {
        throw cut();
      }
      buffer |= (long) EIGHT.get(from, place) >>> left;
      place += (63 - left) >>> 3;
      left |= 56;
      long pair;
      int next;
      while (true) {
        pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
        next = k + ((int) pair >>> 24);
        if (next >= 63) {
          break;
        }
        buffer <<= pair;
        left -= (int) pair & 63;
        k = next;
        pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
        next = k + ((int) pair >>> 24);
        if (next >= 63) {
          break;
        }
        buffer <<= pair;
        left -= (int) pair & 63;
        k = next;
        pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
        next = k + ((int) pair >>> 24);
        if (next >= 63) {
          break;
        }
        buffer <<= pair;
        left -= (int) pair & 63;
        k = next;
        pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
        next = k + ((int) pair >>> 24);
        if (next >= 63) {
          break;
        }
        buffer <<= pair;
        left -= (int) pair & 63;
        k = next;
        continue reading;
      }
      if (ends(pair, next)) {
        buffer <<= pair;
        left -= (int) pair & 63;
        break;
      }
      if (place > last) {
        throw cut();
      }
      buffer |= (long) EIGHT.get(from, place) >>> left;
      place += (63 - left) >>> 3;
      left |= 56;
      int entry = others.entry(buffer);
      buffer <<= entry;
      left -= entry & 63;
      k += entry >>> 6 & 127;
      if (k > 63) {
        checkEnds(entry);
      }
    }
    bits = buffer;
    count = left;
    at = place;
  }

  private static boolean ends(long pair, int next) {
    return ((int) pair & JpegHuffman.PAIR_END) != 0 && next < 63 + JpegHuffman.END;
  }

  private static void checkEnds(int entry) {
    if ((entry >>> 6 & 127) != JpegHuffman.END) {
      throw JpegHuffman.damaged("a block of more than 64 coefficients");
    }
  }
}
