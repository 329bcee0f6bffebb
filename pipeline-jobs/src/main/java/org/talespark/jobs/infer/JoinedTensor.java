package org.talespark.jobs.infer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.zoo.io.Dtype;
import org.talespark.zoo.io.TensorSource;

/**
 * A tensor whose elements lie in several files, one behind another, little endian. They pass
 * through a small buffer, however many there are.
 */
record JoinedTensor(String name, Dtype dtype, List<Long> shape, FileSystem fs, List<Path> parts)
    implements TensorSource {
  private static final int BUFFER = 1 << 16;

  @Override
  public void writeTo(WritableByteChannel out) throws IOException {
    byte[] buffer = new byte[BUFFER];
    for (Path part : parts) {
      try (InputStream in = fs.open(part)) {
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          out.write(ByteBuffer.wrap(buffer, 0, n));
        }
      }
    }
  }
}
