package org.talespark.data.prepare;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.Sha256;

/**
 * Where the numbered files of a run go: each is written whole by one attempt of a task, and then
 * moved into place.
 *
 * @param out the dataset's directory
 * @param folder below it, such as {@code shards}
 * @param extension such as {@code tar}
 * @param first the number of the run's first file
 * @param staging the run's working directory
 */
record Target(String out, String folder, String extension, int first, String staging)
    implements Serializable {

  /** What the manifest says of a written file. {@code path} is relative to the dataset. */
  record Written(int number, String path, long rows, long bytes, String sha256)
      implements Serializable {}

  /** Writes a file's content and says how many rows it has. */
  @FunctionalInterface
  interface Body {
    long writeTo(CountingStream out) throws IOException;
  }

  /** The path of the file with a number counted from 0 in this run, relative to the dataset. */
  String path(int number) {
    return String.format(Locale.ROOT, "%s/%05d.%s", folder, first + number, extension);
  }

  /**
   * Writes a file.
   *
   * @param attempt unique among attempts
   */
  Written write(int number, String attempt, Configuration hadoop, Body body) throws IOException {
    Path temporary = new Path(new Path(staging, folder), attempt + "-" + number);
    Path target = new Path(out, path(number));
    FileSystem fs = Storage.of(target, hadoop);
    MessageDigest digest = Sha256.digest();
    CountingStream counted =
        new CountingStream(new DigestOutputStream(fs.create(temporary, true), digest));
    long rows;
    try (counted) {
      rows = body.writeTo(counted);
    }
    if (!Staging.isOpen(fs, new Path(staging))) { // a late attempt
      throw new IOException(
          "Cannot publish file: path=%s, but its run has ended".formatted(path(number)));
    }
    Storage.publish(fs, temporary, target);
    String sha256 = HexFormat.of().formatHex(digest.digest());
    return new Written(number, path(number), rows, counted.count, sha256);
  }

  /** Counts what goes through. */
  static final class CountingStream extends FilterOutputStream {
    private long count;

    CountingStream(OutputStream out) {
      super(out);
    }

    /** Bytes so far. */
    long count() {
      return count;
    }

    @Override
    public void write(int b) throws IOException {
      out.write(b);
      count++;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
      count += length;
    }
  }
}
