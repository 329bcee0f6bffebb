package org.talespark.jobs.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.Sha256;

/** Small files and hashed files on a Hadoop file system. */
final class Files {
  static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private static final int BUFFER = 1 << 16;
  private static final int MAX_SMALL_BYTES = 16 << 20;

  private Files() {}

  /**
   * The file system below Hadoop's checksum files where there are any: it can sync, and our
   * manifests hold hashes anyway.
   */
  static FileSystem direct(FileSystem fs) {
    return fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
  }

  static String sha256(FileSystem fs, Path path) throws IOException {
    MessageDigest digest = Sha256.digest();
    byte[] buffer = new byte[BUFFER];
    try (FSDataInputStream in = fs.open(path)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Writes a file through to storage and returns its length and hash. */
  static Manifest.Entry write(FileSystem fs, Path path, FileBody body) throws IOException {
    MessageDigest digest = Sha256.digest();
    long length;
    try (FSDataOutputStream out = fs.create(path, true)) {
      OutputStream hashed = new DigestOutputStream(new Unclosed(out), digest);
      body.writeTo(hashed);
      hashed.flush();
      length = out.getPos();
      out.hsync();
    }
    return new Manifest.Entry(length, HexFormat.of().formatHex(digest.digest()));
  }

  /** Reads a file of at most 16 MiB. */
  static byte[] read(FileSystem fs, Path path) throws IOException {
    try (InputStream in = fs.open(path)) {
      byte[] bytes = in.readNBytes(MAX_SMALL_BYTES + 1);
      if (bytes.length > MAX_SMALL_BYTES) {
        throw new IOException(
            "Cannot read %s: expected at most %d bytes".formatted(path, MAX_SMALL_BYTES));
      }
      return bytes;
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
