package org.talespark.zoo.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A safetensors file whose tensors are read in any order, over any channel that can seek. Not for
 * several threads.
 */
public final class SafetensorsFile implements AutoCloseable {
  private final SeekableByteChannel channel;
  private final SafetensorsHeader header;

  private SafetensorsFile(SeekableByteChannel channel, SafetensorsHeader header) {
    this.channel = channel;
    this.header = header;
  }

  /** Opens a file and checks its header. */
  public static SafetensorsFile open(Path file) throws IOException {
    SeekableByteChannel channel = Files.newByteChannel(file);
    try {
      return open(channel);
    } catch (SafetensorsException e) {
      channel.close();
      throw new SafetensorsException(e.getMessage() + "; file=" + file, e);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Checks the header of a file that is open already; closing this closes the channel. */
  public static SafetensorsFile open(SeekableByteChannel channel) throws IOException {
    channel.position(0);
    return new SafetensorsFile(channel, SafetensorsReader.readHeader(channel, channel.size()));
  }

  public SafetensorsHeader header() {
    return header;
  }

  /** The bytes in front of the tensors: the header as it was written. */
  byte[] start() throws IOException {
    ByteBuffer start = ByteBuffer.allocate(Math.toIntExact(header.dataStart()));
    channel.position(0);
    ByteSource.readFully(channel, "part=header", start);
    return start.array();
  }

  /** One tensor; fails when the file has none of this name. */
  public TensorData tensor(String name) {
    return new TensorData(header.tensor(name), this::readFully);
  }

  private void readFully(TensorInfo info, long from, ByteBuffer target) throws IOException {
    channel.position(header.dataStart() + info.begin() + from);
    ByteSource.readFully(channel, "tensor=" + Names.quote(info.name()), target);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
