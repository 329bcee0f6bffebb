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
  private static final int SHIFT = 64 - JpegHuffman.PEEK;
  private static final int PADDING = 16;

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
  final int[] coefficients = new int[64];

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

  /**
   * Reads a block and returns how many {@link #coefficients} it has behind the first.
   *
   * <p>After a refill at least 56 bits are there: enough for three entries of the table or one of
   * any length, so that the way through the loop hardly ever depends on the data. A shift takes the
   * low six bits of an entry by itself.
   */
  int block(JpegHuffman first, JpegHuffman others) {
    byte[] from = data;
    int[] entries = others.entries;
    int[] found = coefficients;
    long buffer = bits;
    int left = count;
    int place = at;
    int number = 0;
    int k = 0;
    int entry;
    if (place > from.length - 8) {
      throw cut();
    }
    buffer |= (long) EIGHT.get(from, place) >>> left;
    place += (63 - left) >>> 3;
    left |= 56;
    entry = first.entries[(int) (buffer >>> SHIFT)];
    if (entry == 0) {
      entry = first.slow(buffer);
    }
    buffer <<= entry;
    left -= entry & 63;
    difference = entry >> 16;
    do {
      if (place > from.length - 8) { // the padding is as long as what is read ahead
        throw cut();
      }
      buffer |= (long) EIGHT.get(from, place) >>> left;
      place += (63 - left) >>> 3;
      left |= 56;
      entry = entries[(int) (buffer >>> SHIFT)];
      if (entry == 0) {
        entry = others.slow(buffer);
      }
      buffer <<= entry;
      left -= entry & 63;
      k += entry >>> 6 & 127;
      if (k > 63) {
        break;
      }
      found[number] = (entry & 0xFFFF0000) | k;
      number++;
      if (k == 63) {
        break;
      }
      entry = entries[(int) (buffer >>> SHIFT)];
      if (entry == 0) {
        continue;
      }
      buffer <<= entry;
      left -= entry & 63;
      k += entry >>> 6 & 127;
      if (k > 63) {
        break;
      }
      found[number] = (entry & 0xFFFF0000) | k;
      number++;
      if (k == 63) {
        break;
      }
      entry = entries[(int) (buffer >>> SHIFT)];
      if (entry == 0) {
        continue;
      }
      buffer <<= entry;
      left -= entry & 63;
      k += entry >>> 6 & 127;
      if (k > 63) {
        break;
      }
      found[number] = (entry & 0xFFFF0000) | k;
      number++;
    } while (k < 63);
    if (k > 63 && (entry >>> 6 & 127) != JpegHuffman.END) {
      throw JpegHuffman.damaged("a block of more than 64 coefficients");
    }
    bits = buffer;
    count = left;
    at = place;
    return number;
  }
}
