package org.talespark.zoo.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/** Where a tensor's bytes come from. */
interface ByteSource {
  /**
   * Fills the buffer.
   *
   * @param position first byte, counted from the tensor's first
   */
  void readFully(TensorInfo info, long position, ByteBuffer target) throws IOException;

  /** Fills the buffer from where the channel stands. */
  static void readFully(ReadableByteChannel channel, String what, ByteBuffer target)
      throws IOException {
    while (target.hasRemaining()) {
      if (channel.read(target) < 0) {
        throw new SafetensorsException(
            "Cannot read safetensors: %s missing_bytes=%d, expected no end of file here; the file is cut off"
                .formatted(what, target.remaining()));
      }
    }
  }
}
