package org.talespark.data.image;

import java.nio.charset.StandardCharsets;
import org.talespark.data.Reason;

/** Bounds-checked numbers from a file's bytes: reading past the end means "truncated". */
final class ByteView {

  private final byte[] bytes;

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
}
