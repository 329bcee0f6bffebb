package org.talespark.jobs.checkpoint;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Copies of files in native memory, where arrays are too: taken while training stands still,
 * written while it goes on. The memory is as large as the files together, rounded up to 4 MiB, and
 * serves the next copies again. It counts towards JavaCPP's limits.
 *
 * <p>Not thread-safe: copies must not be taken while earlier ones are read.
 */
final class Snapshot implements AutoCloseable {
  private static final int CHUNK = 4 << 20;
  private static final int SCRATCH = 1 << 16;

  private final long limit;
  private final List<BytePointer> memory = new ArrayList<>();
  private final List<ByteBuffer> chunks = new ArrayList<>();
  private long used;

  /**
   * Takes no memory yet.
   *
   * @param limit how much memory it may take, in bytes
   */
  Snapshot(long limit) {
    this.limit = limit;
  }

  /** Half of what JavaCPP's limits leave at this moment. */
  static long roomBytes() {
    long left = Long.MAX_VALUE;
    if (Pointer.maxBytes() > 0) {
      left = Math.min(left, Pointer.maxBytes() - Pointer.totalBytes());
    }
    if (Pointer.maxPhysicalBytes() > 0) {
      left = Math.min(left, Pointer.maxPhysicalBytes() - Pointer.physicalBytes());
    }
    return Math.max(0, left / 2);
  }

  /** Asks every file for its bytes now; empty when they are more than the memory allowed. */
  Optional<Map<String, FileBody>> take(Map<String, FileBody> files) throws IOException {
    used = 0;
    Map<String, FileBody> copies = new LinkedHashMap<>();
    try (OutputStream into = new Into()) {
      for (Map.Entry<String, FileBody> file : files.entrySet()) {
        long from = used;
        file.getValue().writeTo(into);
        long to = used;
        copies.put(file.getKey(), out -> copy(from, to, out));
      }
    } catch (TooLargeException e) {
      close();
      return Optional.empty();
    }
    return Optional.of(copies);
  }

  /** What it holds of native memory, in bytes. */
  long bytes() {
    return (long) memory.size() * CHUNK;
  }

  private void copy(long from, long to, OutputStream out) throws IOException {
    byte[] scratch = new byte[SCRATCH];
    for (long at = from; at < to; ) {
      int offset = (int) (at % CHUNK);
      int part = (int) Math.min(Math.min(SCRATCH, CHUNK - offset), to - at);
      chunks.get((int) (at / CHUNK)).get(offset, scratch, 0, part);
      out.write(scratch, 0, part);
      at += part;
    }
  }

  private void append(byte[] bytes, int offset, int length) throws TooLargeException {
    for (int done = 0; done < length; ) {
      int at = (int) (used % CHUNK);
      if (used == bytes()) {
        grow();
      }
      int part = Math.min(length - done, CHUNK - at);
      chunks.get((int) (used / CHUNK)).put(at, bytes, offset + done, part);
      used += part;
      done += part;
    }
  }

  private void grow() throws TooLargeException {
    if (bytes() + CHUNK > limit) {
      throw new TooLargeException();
    }
    BytePointer chunk;
    try {
      chunk = new BytePointer(CHUNK);
    } catch (OutOfMemoryError e) { // JavaCPP's way to say that its limit is reached
      throw new TooLargeException();
    }
    memory.add(chunk);
    chunks.add(chunk.asByteBuffer());
  }

  /** Gives the memory back; copies taken earlier must not be read any more. */
  @Override
  public void close() {
    chunks.clear();
    memory.forEach(BytePointer::close);
    memory.clear();
  }

  private static final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  private final class Into extends OutputStream {
    @Override
    public void write(int value) throws IOException {
      append(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      append(bytes, offset, length);
    }
  }
}
