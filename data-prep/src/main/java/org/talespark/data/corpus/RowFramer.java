package org.talespark.data.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Cuts text into rows without holding more than one, nor more of one than a limit. A row of JSONL
 * is a line; a row of CSV may hold line breaks between quotes that open a field (RFC 4180). Blank
 * lines are no rows; a byte order mark at the start is skipped.
 */
final class RowFramer {

  /** No separator: rows are lines. */
  static final int LINES = -1;

  private static final int START = 0;
  private static final int PLAIN = 1;
  private static final int QUOTED = 2;
  private static final int QUOTE_IN_QUOTED = 3;

  private final InputStream in;
  private final int separator;
  private final int most;
  private final byte[] buffer = new byte[1 << 16];
  private int at;
  private int filled;
  private long bufferOffset;
  private byte[] row = new byte[1 << 10];
  private long length;
  private long offset;
  private long line;
  private long nextLine;
  private boolean cut;

  /**
   * Frames rows from where the stream stands.
   *
   * @param offset of the stream in the content
   * @param line of the stream's first row, from 1
   * @param separator of a CSV's fields, or {@link #LINES}
   * @param most bytes of a row that are held
   */
  RowFramer(InputStream in, long offset, long line, int separator, int most) {
    this.in = in;
    this.bufferOffset = offset;
    this.nextLine = line;
    this.separator = separator;
    this.most = most;
  }

  /** Goes to the next row; false at the end. */
  boolean next() throws IOException {
    if (bufferOffset + at == 0) {
      skipMark();
    }
    while (frame()) {
      if (length > 0) {
        return true;
      }
    }
    return false;
  }

  /** The row without its line break; null when it is longer than the limit. */
  byte[] row() {
    return length > most ? null : Arrays.copyOf(row, (int) length);
  }

  /** The row's length. */
  long length() {
    return length;
  }

  /** Where the row begins in the content. */
  long offset() {
    return offset;
  }

  /** The line that the row begins with, from 1. */
  long line() {
    return line;
  }

  /** Whether the content ended between quotes. */
  boolean cut() {
    return cut;
  }

  private void skipMark() throws IOException {
    while (filled < 3) {
      int read = in.read(buffer, filled, buffer.length - filled);
      if (read < 0) {
        break;
      }
      filled += read;
    }
    if (filled >= 3
        && buffer[0] == (byte) 0xEF
        && buffer[1] == (byte) 0xBB
        && buffer[2] == (byte) 0xBF) {
      at = 3;
    }
  }

  private boolean fill() throws IOException {
    bufferOffset += filled;
    at = 0;
    filled = 0;
    int read = 0;
    while (read == 0) {
      read = in.read(buffer, 0, buffer.length);
    }
    filled = Math.max(read, 0);
    return read > 0;
  }

  private boolean frame() throws IOException {
    length = 0;
    line = nextLine;
    offset = bufferOffset + at;
    int state = START;
    boolean any = false;
    while (at < filled || fill()) {
      any = true;
      byte b = buffer[at++];
      if (b == '\n') {
        nextLine++;
        if (state != QUOTED) {
          dropCarriageReturn();
          return true;
        }
      }
      put(b);
      state = separator == LINES ? PLAIN : after(state, b);
    }
    cut = state == QUOTED;
    return any;
  }

  private int after(int state, byte b) {
    if (state == QUOTED) {
      return b == '"' ? QUOTE_IN_QUOTED : QUOTED;
    }
    if (b == '"' && state != PLAIN) {
      return QUOTED;
    }
    return b == separator ? START : PLAIN;
  }

  private void put(byte b) {
    if (length < most) {
      if (length == row.length) {
        row = Arrays.copyOf(row, (int) Math.min(most, 2L * row.length));
      }
      row[(int) length] = b;
    }
    length++;
  }

  private void dropCarriageReturn() {
    if (length > 0 && length <= most && row[(int) length - 1] == '\r') {
      length--;
    }
  }
}
