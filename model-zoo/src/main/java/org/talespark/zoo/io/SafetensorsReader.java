package org.talespark.zoo.io;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;

/**
 * Reads a safetensors file from front to back: the header when opened, then the tensors in the
 * order of their bytes. The file's length must be known, since the format's last rule is that the
 * tensors end where the file ends; it is checked before any tensor is read.
 *
 * <p>Not for several threads.
 */
public final class SafetensorsReader {
  /** Takes the tensors of a file, one at a time. */
  @FunctionalInterface
  public interface Visitor {
    /** Takes one tensor; its data can be read now and not later, and is skipped when left. */
    void visit(TensorData tensor) throws IOException;
  }

  private static final int CHUNK_BYTES = 1 << 16;

  private final ReadableByteChannel channel;
  private final SafetensorsHeader header;
  private long position;
  private boolean visited;

  private SafetensorsReader(ReadableByteChannel channel, SafetensorsHeader header) {
    this.channel = channel;
    this.header = header;
  }

  /**
   * Reads and checks the header.
   *
   * @param channel blocking, at the file's first byte; stays open
   * @param fileLength bytes of the file, as its file system says
   */
  public static SafetensorsReader open(ReadableByteChannel channel, long fileLength)
      throws IOException {
    return new SafetensorsReader(channel, readHeader(channel, fileLength));
  }

  /** Reads and checks the header from a stream, which stays open. */
  public static SafetensorsReader open(InputStream in, long fileLength) throws IOException {
    return open(Channels.newChannel(in), fileLength);
  }

  public SafetensorsHeader header() {
    return header;
  }

  /** Visits every tensor, then checks that the file really ends. Once only. */
  public void forEach(Visitor visitor) throws IOException {
    if (visited) {
      throw new IllegalStateException(
          "Cannot read stream twice: position=%d, expected one forEach".formatted(position));
    }
    visited = true;
    for (TensorInfo info : header.tensors().values()) {
      visitor.visit(new TensorData(info, this::readFully));
      skipTo(info);
    }
    if (channel.read(ByteBuffer.allocate(1)) > 0) {
      throw new SafetensorsException(
          "Cannot read safetensors: file_length=%d, expected no bytes behind the last tensor"
              .formatted(header.fileLength()));
    }
  }

  static SafetensorsHeader readHeader(ReadableByteChannel channel, long fileLength)
      throws IOException {
    if (fileLength < SafetensorsHeader.LENGTH_BYTES) {
      throw new SafetensorsException(
          "Cannot read safetensors: file_length=%d, expected at least %d bytes"
              .formatted(fileLength, SafetensorsHeader.LENGTH_BYTES));
    }
    ByteBuffer start =
        ByteBuffer.allocate(SafetensorsHeader.LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    ByteSource.readFully(channel, "part=header_length", start);
    ByteBuffer json =
        ByteBuffer.allocate(SafetensorsHeader.checkLength(start.getLong(0), fileLength));
    ByteSource.readFully(channel, "part=header", json);
    return SafetensorsHeader.parse(json.array(), fileLength);
  }

  private void readFully(TensorInfo info, long from, ByteBuffer target) throws IOException {
    if (info.begin() + from != position) {
      throw new IllegalStateException(
          "Cannot read tensor: tensor=%s position=%d stream=%d, expected to read it during its visit"
              .formatted(Names.quote(info.name()), info.begin() + from, position));
    }
    int length = target.remaining();
    ByteSource.readFully(channel, "tensor=" + Names.quote(info.name()), target);
    position += length;
  }

  private void skipTo(TensorInfo info) throws IOException {
    if (position < info.end()) {
      ByteBuffer skipped = ByteBuffer.allocate((int) Math.min(CHUNK_BYTES, info.end() - position));
      while (position < info.end()) {
        skipped.clear().limit((int) Math.min(skipped.capacity(), info.end() - position));
        readFully(info, position - info.begin(), skipped);
      }
    }
  }
}
