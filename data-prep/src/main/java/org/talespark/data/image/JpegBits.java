package org.talespark.data.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.talespark.data.Reason;

/**
 * The entropy-coded data of one scan (ITU-T T.81, F.2.2): coefficients of block after block. The
 * stuffing is taken out first, so that eight bytes are read at a time.
 *
 * <p>After a refill at least 56 bits are there: enough for one coefficient of any length and two
 * pairs, so that the way through the loops hardly ever depends on the data.
 */
final class JpegBits {

  private static final VarHandle EIGHT =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final int PAIR_SHIFT = 64 - JpegPairs.PEEK;
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

  /** Reads a block and returns how many {@link #coefficients} it has behind the first. */
  int block(JpegPairs tables) {
    int[] found = coefficients;
    int pair = start(tables);
    int k = place(pair);
    found[0] = JpegPairs.secondValue(pair) << 16 | (k & 63);
    int number = JpegPairs.coefficients(pair) - 1;
    byte[] from = data;
    int last = from.length - AHEAD;
    int[] pairs = tables.pairs;
    long buffer = bits;
    int left = count;
    int place = at;
    while (k < 63) {
      pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
      int next = k + JpegPairs.advance(pair);
      boolean taken = next < 63 || JpegPairs.ends(pair, next);
      if (taken) {
        found[number] = JpegPairs.firstValue(pair) << 16 | (k + JpegPairs.firstAdvance(pair));
        found[number + 1] = JpegPairs.secondValue(pair) << 16 | (next & 63);
        number += JpegPairs.coefficients(pair);
        buffer <<= pair;
        left -= JpegPairs.bits(pair);
        k = next;
        if (next >= 63) {
          break;
        }
      }
      if (place > last) {
        throw cut();
      }
      buffer |= (long) EIGHT.get(from, place) >>> left;
      place += (63 - left) >>> 3;
      left |= 56;
      if (!taken) {
        int entry = tables.others.entry(buffer);
        buffer <<= entry;
        left -= JpegHuffman.bits(entry);
        k += JpegHuffman.advance(entry);
        if (k > 63) {
          checkEnds(entry);
          break;
        }
        found[number] = JpegHuffman.value(entry) << 16 | k;
        number++;
      }
    }
    bits = buffer;
    count = left;
    at = place;
    return number;
  }

  /**
   * Reads a block and returns the sum of its coefficients times weights; that of the first one must
   * be zero.
   */
  long sum(JpegPairs tables, long[] weights) {
    int pair = start(tables);
    int k = place(pair);
    long all = JpegPairs.secondValue(pair) * weights[k & 63];
    byte[] from = data;
    int last = from.length - AHEAD;
    int[] pairs = tables.pairs;
    long buffer = bits;
    int left = count;
    int place = at;
    while (k < 63) {
      pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
      int next = k + JpegPairs.advance(pair);
      boolean both = next < 63;
      if (both) {
        all += weighed(pair, k, next, weights);
        buffer <<= pair;
        left -= JpegPairs.bits(pair);
        k = next;
        pair = pairs[(int) (buffer >>> PAIR_SHIFT)];
        next = k + JpegPairs.advance(pair);
        both = next < 63;
      }
      if (both || JpegPairs.ends(pair, next)) {
        all += weighed(pair, k, next & 63, weights);
        buffer <<= pair;
        left -= JpegPairs.bits(pair);
        k = next;
        if (!both) {
          break;
        }
      }
      if (place > last) {
        throw cut();
      }
      buffer |= (long) EIGHT.get(from, place) >>> left;
      place += (63 - left) >>> 3;
      left |= 56;
      if (!both) {
        int entry = tables.others.entry(buffer);
        buffer <<= entry;
        left -= JpegHuffman.bits(entry);
        k += JpegHuffman.advance(entry);
        if (k > 63) {
          checkEnds(entry);
          break;
        }
        all += JpegHuffman.value(entry) * weights[k];
      }
    }
    bits = buffer;
    count = left;
    at = place;
    return all;
  }

  /** Reads a block of which only the first coefficient is wanted. */
  void skip(JpegPairs tables) {
    int k = place(start(tables));
    byte[] from = data;
    int last = from.length - AHEAD;
    char[] skips = tables.skips;
    long buffer = bits;
    int left = count;
    int place = at;
    while (k < 63) {
      int skip = skips[(int) (buffer >>> PAIR_SHIFT)];
      int next = k + JpegPairs.advance(skip);
      boolean whole = next < 63;
      if (whole || JpegPairs.ends(skip, next)) {
        buffer <<= skip;
        left -= JpegPairs.bits(skip);
        k = next;
        if (!whole) {
          break;
        }
        skip = skips[(int) (buffer >>> PAIR_SHIFT)];
        next = k + JpegPairs.advance(skip);
        whole = next < 63;
        if (whole || JpegPairs.ends(skip, next)) {
          buffer <<= skip;
          left -= JpegPairs.bits(skip);
          k = next;
          if (!whole) {
            break;
          }
        }
      }
      if (place > last) {
        throw cut();
      }
      buffer |= (long) EIGHT.get(from, place) >>> left;
      place += (63 - left) >>> 3;
      left |= 56;
      if (!whole) {
        int entry = tables.others.entry(buffer);
        buffer <<= entry;
        left -= JpegHuffman.bits(entry);
        k += JpegHuffman.advance(entry);
        if (k > 63) {
          checkEnds(entry);
        }
      }
    }
    bits = buffer;
    count = left;
    at = place;
  }

  private static long weighed(int pair, int k, int next, long[] weights) {
    return JpegPairs.firstValue(pair) * weights[k + JpegPairs.firstAdvance(pair)]
        + JpegPairs.secondValue(pair) * weights[next];
  }

  /** Reads the first coefficient of a block, and what else is in its entry, which is returned. */
  private int start(JpegPairs tables) {
    if (at > data.length - AHEAD) {
      throw cut();
    }
    long buffer = bits | (long) EIGHT.get(data, at) >>> count;
    int pair = tables.starts[(int) (buffer >>> PAIR_SHIFT)];
    at += (63 - count) >>> 3;
    count |= 56;
    if (pair != JpegPairs.NONE) {
      bits = buffer << pair;
      count -= JpegPairs.bits(pair);
      difference = JpegPairs.firstValue(pair);
      return pair;
    }
    int entry = tables.first.entry(buffer);
    bits = buffer << entry;
    count -= JpegHuffman.bits(entry);
    difference = JpegHuffman.value(entry);
    return JpegPairs.ONE;
  }

  /** Where a block's first entry leads. */
  private static int place(int pair) {
    return JpegPairs.advance(pair) - 1;
  }

  private static void checkEnds(int entry) {
    if (JpegHuffman.advance(entry) != JpegHuffman.END) {
      throw JpegHuffman.damaged("a block of more than 64 coefficients");
    }
  }
}
