package org.talespark.data.corpus;

import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.page.DataPageV1;

/**
 * Checks what the library's decoders take from a page's content as lengths of arrays, so that a
 * damaged page allocates nothing. Layouts as in the Parquet format's "Encodings".
 */
final class PageGuard {

  /** Values that a page of a repeated column may have, since one row may hold them all. */
  static final int MOST_REPEATED = 1 << 20;

  /** Values that a writer may add to fill a run. */
  private static final int PADDING = 512;

  private static final int MOST_BLOCK = 1 << 16;

  private final byte[] bytes;
  private final int end;
  private int at;

  private PageGuard(byte[] bytes, int from, int to) {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
  }

  /** A page of the first version: levels, each after its length, then values. */
  static void check(ColumnDescriptor column, DataPageV1 page, byte[] bytes) {
    int values = page.getValueCount();
    int at = 0;
    int[] most = {column.getMaxRepetitionLevel(), column.getMaxDefinitionLevel()};
    Encoding[] encodings = {page.getRlEncoding(), page.getDlEncoding()};
    for (int i = 0; i < most.length; i++) {
      if (most[i] > 0) {
        if (encodings[i] != Encoding.RLE) {
          throw damaged();
        }
        PageGuard length = new PageGuard(bytes, at, bytes.length);
        int levels = length.little();
        at += 4;
        if (levels < 0 || levels > bytes.length - at) {
          throw damaged();
        }
        new PageGuard(bytes, at, at + levels).runs(width(most[i]), values);
        at += levels;
      }
    }
    new PageGuard(bytes, at, bytes.length).values(page.getValueEncoding(), values);
  }

  /** A page of the second version: levels of given lengths, values apart. */
  static void check(
      ColumnDescriptor column,
      int count,
      byte[] page,
      int repetition,
      int definition,
      Encoding encoding,
      byte[] values) {
    new PageGuard(page, 0, repetition).runs(width(column.getMaxRepetitionLevel()), count);
    new PageGuard(page, repetition, repetition + definition)
        .runs(width(column.getMaxDefinitionLevel()), count);
    new PageGuard(values, 0, values.length).values(encoding, count);
  }

  /** Snappy's data begin with their length. */
  static void checkSnappy(byte[] page, int from, int size) {
    if (new PageGuard(page, from, page.length).varint() != size) {
      throw new DamagedParquetException("a page has another length than its header says");
    }
  }

  private static int width(int most) {
    return 32 - Integer.numberOfLeadingZeros(most);
  }

  private void values(Encoding encoding, int count) {
    switch (encoding) {
      case PLAIN_DICTIONARY, RLE_DICTIONARY -> {
        if (at < end) {
          int width = bytes[at++];
          if (width < 0 || width > 32) {
            throw damaged();
          }
          runs(width, count);
        }
      }
      case DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY -> deltas(count);
      case DELTA_BYTE_ARRAY -> {
        deltas(count);
        deltas(count);
      }
      case RLE -> {
        int length = little();
        if (length < 0 || length > end - at) {
          throw damaged();
        }
        runs(1, count);
      }
      case PLAIN, BYTE_STREAM_SPLIT -> {
        // sizes are those of the page
      }
      case BIT_PACKED -> throw damaged();
    }
  }

  /** Runs of the hybrid of run lengths and bit packing. */
  private void runs(int width, int count) {
    long seen = 0;
    while (at < end && seen < count) {
      long header = varint();
      long length = header >>> 1;
      if ((header & 1) == 0) {
        at += (width + 7) / 8;
        seen += length;
      } else {
        seen += 8 * length;
        // the last run may be cut, its padding left out
        if (8 * length > (long) count + PADDING || width * (length - PADDING / 8) > end - at) {
          throw damaged();
        }
        at += (int) Math.min(end - at, width * length);
      }
    }
  }

  /** Blocks of bit-packed differences; goes past them. */
  private void deltas(int count) {
    if (at >= end) {
      return;
    }
    long block = varint();
    long minis = varint();
    long total = varint();
    varint();
    if (block < 1
        || block > MOST_BLOCK
        || minis < 1
        || minis > block
        || block % minis != 0
        || total > count) {
      throw damaged();
    }
    for (long left = total - 1; left > 0; left -= block) {
      varint();
      int widths = at;
      at += (int) minis;
      for (int i = 0; i < minis && i * (block / minis) < left; i++) {
        int width = widths + i < end ? bytes[widths + i] : -1;
        if (width < 0 || width > 64) {
          throw damaged();
        }
        at += (int) (block / minis * width / 8);
        if (at > end) {
          throw damaged();
        }
      }
    }
  }

  private int little() {
    if (end - at < 4) {
      throw damaged();
    }
    int value =
        (bytes[at] & 0xFF)
            | (bytes[at + 1] & 0xFF) << 8
            | (bytes[at + 2] & 0xFF) << 16
            | (bytes[at + 3] & 0xFF) << 24;
    at += 4;
    return value;
  }

  private long varint() {
    long value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at >= end) {
        throw damaged();
      }
      byte b = bytes[at++];
      value |= (long) (b & 0x7F) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw damaged();
  }

  private static DamagedParquetException damaged() {
    return new DamagedParquetException("a page's content is damaged");
  }
}
