package org.talespark.jobs.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.FileNotFoundException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.Sha256;

/**
 * A Hadoop file system as this package uses it. Every call may be repeated and is, by {@link
 * Retries}; a file counts as written when storage has taken it and shows its whole length; a file
 * counts as deleted when it is gone. Nothing is renamed or appended to.
 */
final class Storage {
  static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private static final int BUFFER = 1 << 16;
  private static final int MAX_SMALL_BYTES = 16 << 20;

  private final FileSystem fs;
  private final Retries retries;

  Storage(FileSystem fs) {
    this(fs, Retries.DEFAULT);
  }

  Storage(FileSystem fs, Retries retries) {
    this.fs = direct(fs);
    this.retries = retries;
  }

  /**
   * The file system below Hadoop's checksum files where there are any: it can sync, and our
   * manifests hold hashes anyway.
   */
  private static FileSystem direct(FileSystem fs) {
    return fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
  }

  FileSystem fileSystem() {
    return fs;
  }

  boolean exists(Path path) throws IOException {
    return retries.of("look at " + path, () -> fs.exists(path));
  }

  /**
   * Length and time of a file.
   *
   * @throws FileNotFoundException when there is none
   */
  FileStatus status(Path path) throws IOException {
    return retries.of("look at " + path, () -> fs.getFileStatus(path));
  }

  /** What is in a directory; nothing when there is no such directory. */
  List<FileStatus> list(Path directory) throws IOException {
    try {
      return Arrays.asList(retries.of("list " + directory, () -> fs.listStatus(directory)));
    } catch (FileNotFoundException e) {
      return List.of();
    }
  }

  void mkdirs(Path directory) throws IOException {
    retries.of(
        "create directory " + directory,
        () -> {
          if (!fs.mkdirs(directory)) {
            throw new IOException("the file system refused");
          }
          return directory;
        });
  }

  /** Deletes a file or a directory if it is there. */
  void delete(Path path, boolean recursive) throws IOException {
    retries.of(
        "delete " + path,
        () -> {
          if (!fs.delete(path, recursive) && fs.exists(path)) {
            throw new IOException("the file system refused");
          }
          return path;
        });
  }

  /** Opens a file for writing; an earlier one is replaced. */
  OutputStream create(Path path) throws IOException {
    return retries.of("create " + path, () -> fs.create(path, true));
  }

  FSDataInputStream open(Path path) throws IOException {
    return retries.of("open " + path, () -> fs.open(path));
  }

  /** Runs something that reads and may be repeated. */
  <T> T reading(Path path, Retries.Call<T> call) throws IOException {
    return retries.of("read " + path, call);
  }

  String sha256(Path path) throws IOException {
    return reading(
        path,
        () -> {
          MessageDigest digest = Sha256.digest();
          byte[] buffer = new byte[BUFFER];
          try (FSDataInputStream in = fs.open(path)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
              digest.update(buffer, 0, n);
            }
          }
          return HexFormat.of().formatHex(digest.digest());
        });
  }

  /** A file of at most 16 MiB, or empty when there is none. */
  Optional<byte[]> read(Path path) throws IOException {
    try {
      return Optional.of(reading(path, () -> readOnce(path)));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
  }

  private byte[] readOnce(Path path) throws IOException {
    try (InputStream in = fs.open(path)) {
      byte[] bytes = in.readNBytes(MAX_SMALL_BYTES + 1);
      if (bytes.length > MAX_SMALL_BYTES) {
        throw new IOException("expected at most %d bytes".formatted(MAX_SMALL_BYTES));
      }
      return bytes;
    }
  }

  void write(Path path, byte[] bytes) throws IOException {
    write(path, out -> out.write(bytes));
  }

  /** Writes a file that nothing depends on, without waiting until storage has it. */
  void writeUnsynced(Path path, byte[] bytes) throws IOException {
    retries.of(
        "write " + path,
        () -> {
          try (FSDataOutputStream out = fs.create(path, true)) {
            out.write(bytes);
          }
          return path;
        });
  }

  /**
   * Writes a file through to storage, replacing an earlier one, and returns its length and hash.
   *
   * @param body may be asked for its bytes again
   */
  Manifest.Entry write(Path path, FileBody body) throws IOException {
    return retries.of("write " + path, () -> writeOnce(path, body));
  }

  private Manifest.Entry writeOnce(Path path, FileBody body) throws IOException {
    MessageDigest digest = Sha256.digest();
    long length;
    try (FSDataOutputStream out = fs.create(path, true)) {
      OutputStream hashed = new DigestOutputStream(new Unclosed(out), digest);
      body.writeTo(hashed);
      hashed.flush();
      length = out.getPos();
      sync(out);
    }
    long found = fs.getFileStatus(path).getLen();
    if (found != length) {
      throw new IOException("length=%d, expected %d".formatted(found, length));
    }
    return new Manifest.Entry(length, HexFormat.of().formatHex(digest.digest()));
  }

  /** Object stores take a file when it is closed, and some say so only when asked to sync it. */
  private static void sync(FSDataOutputStream out) throws IOException {
    try {
      out.hsync();
    } catch (UnsupportedOperationException e) {
      out.flush();
    }
  }

  /**
   * Keeps a body from closing the file before it is synced, and from writing byte arrays one byte
   * at a time.
   */
  private static final class Unclosed extends FilterOutputStream {
    Unclosed(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }
}
