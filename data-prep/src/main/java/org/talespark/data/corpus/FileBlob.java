package org.talespark.data.corpus;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;

/** A file, or a range of one, read when asked for. */
record FileBlob(String uri, long offset, long bytes, long most, Configuration hadoop)
    implements Blob {

  @Override
  public byte[] read() throws IOException {
    if (bytes > most) {
      throw tooLong(bytes);
    }
    byte[] content = new byte[Math.toIntExact(bytes)];
    Path path = new Path(uri);
    try (FSDataInputStream in = path.getFileSystem(hadoop).open(path)) {
      in.seek(offset);
      in.readFully(content);
    }
    return content;
  }

  static IllegalStateException tooLong(long bytes) {
    return new IllegalStateException(
        "Cannot read: bytes=%d, expected a length within the limits; try looking at bytes() first"
            .formatted(bytes));
  }
}
