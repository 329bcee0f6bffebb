package org.talespark.data.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.talespark.data.Reason;

/** Bounds-checked numbers from a file's bytes: reading past the end means "truncated". */
final class ByteView {

  private static final VarHandle EIGHT =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long LOW_BITS = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;

  private final byte[] bytes;
  private long scan = -1;
  private long scanEnd;

  ByteView(byte[] bytes) {
    this.bytes = bytes;
  }

  int length() {
    return bytes.length;
  }

  int u8(long at) {
    if (at < 0 || at >= bytes.length) {
      throw new PictureException(
          Reason.TRUNCATED,
          "Cannot read picture: offset=%d, expected below length %d".formatted(at, bytes.length));
    }
    return bytes[(int) at] & 0xFF;
  }

  int u16be(long at) {
    return u8(at) << 8 | u8(at + 1);
  }

  int u16le(long at) {
    return u8(at) | u8(at + 1) << 8;
  }

  int u24le(long at) {
    return u16le(at) | u8(at + 2) << 16;
  }

  long u32be(long at) {
    return (long) u16be(at) << 16 | u16be(at + 2);
  }

  long u32le(long at) {
    return u16le(at) | (long) u16le(at + 2) << 16;
  }

  long u16(long at, boolean littleEndian) {
    return littleEndian ? u16le(at) : u16be(at);
  }

  long u32(long at, boolean littleEndian) {
    return littleEndian ? u32le(at) : u32be(at);
  }

  /** Whether the ASCII text stands at the offset; false when the file ends before. */
  boolean has(long at, String ascii) {
    if (at < 0 || at + ascii.length() > bytes.length) {
      return false;
    }
    return new String(bytes, (int) at, ascii.length(), StandardCharsets.ISO_8859_1).equals(ascii);
  }

  /**
   * The first JPEG marker at or behind the offset that is neither stuffing (FF 00), fill (FF FF)
   * nor a restart. The last answer is kept, for a scan is checked before it is decoded.
   */
  long endOfScan(long from) {
    if (from == scan) {
      return scanEnd;
    }
    long at = from;
    while (true) {
      at = find(0xFF, at);
      int next = u8(at + 1);
      if (next != 0 && next != 0xFF && (next < 0xD0 || next > 0xD7)) {
        scan = from;
        scanEnd = at;
        return at;
      }
      at++;
    }
  }

  /**
   * The offset of the first such byte at or behind another; the length where there is none. Eight
   * bytes are looked at in one go, for entropy-coded data is long and what is sought in it rare.
   */
  long find(int value, long from) {
    int at = (int) Math.min(Math.max(from, 0), bytes.length);
    long pattern = LOW_BITS * value;
    while (at + 8 <= bytes.length) {
      long zeroWhereFound = (long) EIGHT.get(bytes, at) ^ pattern;
      long marks = (zeroWhereFound - LOW_BITS) & ~zeroWhereFound & HIGH_BITS;
      if (marks != 0) {
        return (long) at + (Long.numberOfTrailingZeros(marks) >>> 3);
      }
      at += 8;
    }
    while (at < bytes.length && (bytes[at] & 0xFF) != value) {
      at++;
    }
    return at;
  }

  void copy(long from, byte[] to, int at, int count) {
    System.arraycopy(bytes, (int) from, to, at, count);
  }
}
