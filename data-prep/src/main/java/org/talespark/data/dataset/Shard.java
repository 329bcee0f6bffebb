package org.talespark.data.dataset;

import static java.util.Objects.requireNonNull;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.data.Sha256;

/**
 * One tar file of a dataset; serialisable, so that it can be sent to the executor that reads it.
 */
public record Shard(String uri, Split split, long samples, long bytes, String sha256)
    implements Serializable {

  public Shard {
    requireNonNull(uri, "uri");
    requireNonNull(split, "split");
    requireNonNull(sha256, "sha256");
  }

  /** Starts reading; the caller closes the reader. */
  public ShardReader open(Configuration hadoop) {
    return ShardReader.open(this, hadoop);
  }

  /**
   * Reads the whole file and compares length and SHA-256 with the manifest.
   *
   * @throws BadInputException when it differs or is missing
   */
  public void verify(Configuration hadoop) {
    Path path = new Path(uri);
    try (InputStream in = path.getFileSystem(hadoop).open(path)) {
      MessageDigest digest = Sha256.digest();
      byte[] buffer = new byte[1 << 16];
      long length = 0;
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
        length += n;
      }
      String found = HexFormat.of().formatHex(digest.digest());
      if (length != bytes || !found.equals(sha256)) {
        throw new BadInputException(
            "Cannot trust shard: shard=%s bytes=%d sha256=%s, expected bytes=%d sha256=%s; try preparing the dataset again"
                .formatted(uri, length, found, bytes, sha256));
      }
    } catch (IOException e) {
      throw missing(e);
    }
  }

  RuntimeException missing(IOException e) {
    return e instanceof FileNotFoundException
        ? new BadInputException(
            "Cannot read shard: shard=%s does not exist, expected what the manifest lists; try preparing the dataset again"
                .formatted(uri),
            e)
        : new UncheckedIOException("Cannot read shard: shard=" + uri, e);
  }
}
