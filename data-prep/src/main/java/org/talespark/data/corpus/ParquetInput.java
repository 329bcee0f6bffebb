package org.talespark.data.corpus;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;

/** The bytes of a Parquet file by position. Failing storage is an {@link UncheckedIOException}. */
final class ParquetInput implements Closeable {

  private static final int WINDOW = 1 << 13;

  private final FSDataInputStream stored;
  private final long length;

  private ParquetInput(FSDataInputStream stored, long length) {
    this.stored = stored;
    this.length = length;
  }

  static ParquetInput open(FoundFile file, Configuration hadoop) throws IOException {
    return new ParquetInput(Storage.open(file, hadoop), file.bytes());
  }

  long length() {
    return length;
  }

  /**
   * Reads bytes.
   *
   * @throws DamagedParquetException when they are not all in the file
   */
  byte[] read(long position, int count) {
    if (position < 0 || count < 0 || count > length - position) {
      throw new DamagedParquetException("bytes beyond the end are asked for");
    }
    byte[] bytes = new byte[count];
    try {
      stored.seek(position);
      stored.readFully(bytes);
    } catch (EOFException e) {
      throw new UncheckedIOException("Cannot read input, it has changed since it was listed", e);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read input", e);
    }
    return bytes;
  }

  /** A part of the file as a stream that knows its position. */
  Part part(long position, long end) {
    return new Part(position, end);
  }

  /** Reads through a small window, because headers are read byte by byte. */
  final class Part extends InputStream {

    private final long end;
    private long position;
    private byte[] window = new byte[0];
    private int at;

    Part(long position, long end) {
      this.position = position;
      this.end = end;
    }

    long position() {
      return position;
    }

    long left() {
      return end - position;
    }

    /** Goes elsewhere. */
    void position(long next) {
      position = next;
      window = new byte[0];
      at = 0;
    }

    @Override
    public int read() {
      if (!fill()) {
        return -1;
      }
      position++;
      return window[at++] & 0xFF;
    }

    @Override
    public int read(byte[] buffer, int offset, int count) {
      if (count == 0) {
        return 0;
      }
      if (!fill()) {
        return -1;
      }
      int read = Math.min(count, window.length - at);
      System.arraycopy(window, at, buffer, offset, read);
      at += read;
      position += read;
      return read;
    }

    private boolean fill() {
      if (at == window.length) {
        if (position >= end) {
          return false;
        }
        window = ParquetInput.this.read(position, (int) Math.min(WINDOW, end - position));
        at = 0;
      }
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    stored.close();
  }
}
