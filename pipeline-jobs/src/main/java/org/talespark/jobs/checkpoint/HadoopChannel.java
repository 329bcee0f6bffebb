package org.talespark.jobs.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;

/**
 * A file as a channel for reading. A read that fails opens the file again and goes on from where it
 * was. Not thread-safe.
 */
final class HadoopChannel implements SeekableByteChannel {
  private static final int BUFFER = 1 << 18;

  private final Storage storage;
  private final Path path;
  private final long size;
  private FSDataInputStream in;
  private byte[] buffer;
  private long position;
  private boolean open = true;

  /**
   * Opens a file.
   *
   * @param size what it must hold, in bytes
   */
  HadoopChannel(Storage storage, Path path, long size) throws IOException {
    this.storage = storage;
    this.path = path;
    this.size = size;
    this.in = storage.open(path);
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    checkOpen();
    if (!target.hasRemaining()) {
      return 0;
    }
    if (position >= size) {
      return -1;
    }
    int read = storage.reading(path, () -> readAgain(target));
    position += read;
    return read;
  }

  private int readAgain(ByteBuffer target) throws IOException {
    try {
      if (in == null) {
        in = storage.fileSystem().open(path);
      }
      if (in.getPos() != position) {
        in.seek(position);
      }
      int read = readInto(target);
      if (read < 0) {
        throw new EOFException(
            "Cannot read %s: it ends at %d, expected %d bytes".formatted(path, position, size));
      }
      return read;
    } catch (IOException e) {
      abandon(e);
      throw e;
    }
  }

  private int readInto(ByteBuffer target) throws IOException {
    if (target.hasArray()) {
      int from = target.arrayOffset() + target.position();
      int read = in.read(target.array(), from, target.remaining());
      target.position(target.position() + Math.max(read, 0));
      return read;
    }
    if (buffer == null) {
      buffer = new byte[(int) Math.min(BUFFER, size)];
    }
    int read = in.read(buffer, 0, Math.min(buffer.length, target.remaining()));
    target.put(buffer, 0, Math.max(read, 0));
    return read;
  }

  private void abandon(IOException failure) {
    FSDataInputStream broken = in;
    in = null;
    if (broken != null) {
      try {
        broken.close();
      } catch (IOException e) {
        failure.addSuppressed(e);
      }
    }
  }

  @Override
  public long position() throws IOException {
    checkOpen();
    return position;
  }

  @Override
  public SeekableByteChannel position(long newPosition) throws IOException {
    checkOpen();
    if (newPosition < 0) {
      throw new IllegalArgumentException(
          "Cannot seek: position=" + newPosition + ", expected at least 0");
    }
    position = newPosition;
    return this;
  }

  @Override
  public long size() throws IOException {
    checkOpen();
    return size;
  }

  @Override
  public int write(ByteBuffer source) {
    throw new NonWritableChannelException();
  }

  @Override
  public SeekableByteChannel truncate(long newSize) {
    throw new NonWritableChannelException();
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public void close() throws IOException {
    if (open) {
      open = false;
      if (in != null) {
        in.close();
      }
    }
  }

  private void checkOpen() throws ClosedChannelException {
    if (!open) {
      throw new ClosedChannelException();
    }
  }
}
