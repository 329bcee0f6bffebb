package org.talespark.data.corpus;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.io.compress.CompressionCodec;

/**
 * The bytes of a tar in order. Skipping costs a seek, or the decompression of what is skipped.
 * Failing storage is thrown as {@link UncheckedIOException}, a tar that ends too early as {@link
 * EOFException}, other damage as {@link IOException}.
 */
final class TarInput implements Closeable {

  static final int BLOCK = 512;

  private final FSDataInputStream stored;
  private final InputStream content;
  private final long length;
  private final byte[] waste = new byte[1 << 14];
  private long position;

  private TarInput(FSDataInputStream stored, InputStream content, long length) {
    this.stored = stored;
    this.content = content;
    this.length = length;
  }

  static TarInput open(FoundFile tar, Configuration hadoop) throws IOException {
    FSDataInputStream stored = Storage.open(tar, hadoop);
    CompressionCodec codec = Storage.codec(tar, hadoop);
    return codec == null
        ? new TarInput(stored, new Storage.Guarded(stored), tar.bytes())
        : new TarInput(stored, Storage.decompressed(stored, codec), -1);
  }

  /** Bytes read or skipped so far. */
  long position() {
    return position;
  }

  /** Reads a block; false when the tar ends before it. */
  boolean block(byte[] block) throws IOException {
    int read = upTo(block, BLOCK);
    if (read == 0) {
      return false;
    }
    if (read < BLOCK) {
      throw new EOFException("the tar ends within a header");
    }
    return true;
  }

  /** Reads bytes of a member. */
  byte[] read(int count) throws IOException {
    if (length >= 0 && position + count > length) {
      throw new EOFException("the tar ends within a member");
    }
    byte[] bytes = new byte[count];
    if (upTo(bytes, count) < count) {
      throw new EOFException("the tar ends within a member");
    }
    return bytes;
  }

  void skip(long count) throws IOException {
    if (length >= 0) {
      if (count > length - position) {
        throw new EOFException("the tar ends within a member");
      }
      position += count;
      try {
        stored.seek(position);
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot read input", e);
      }
      return;
    }
    for (long left = count; left > 0; ) {
      int read = content.read(waste, 0, (int) Math.min(left, waste.length));
      if (read < 0) {
        throw new EOFException("the tar ends within a member");
      }
      left -= read;
      position += read;
    }
  }

  /** Skips to the next whole block. */
  void align() throws IOException {
    long rest = -position & (BLOCK - 1);
    if (rest > 0) {
      skip(rest);
    }
  }

  private int upTo(byte[] bytes, int count) throws IOException {
    int filled = 0;
    while (filled < count) {
      int read = content.read(bytes, filled, count - filled);
      if (read < 0) {
        break;
      }
      filled += read;
    }
    position += filled;
    return filled;
  }

  @Override
  public void close() throws IOException {
    content.close();
  }
}
