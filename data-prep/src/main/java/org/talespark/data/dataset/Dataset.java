package org.talespark.data.dataset;

import static java.util.Objects.requireNonNull;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;

/** A committed dataset, opened for reading on any Hadoop file system. */
public final class Dataset {

  private static final long MOST_MANIFEST_BYTES = 256L << 20;

  private final String uri;
  private final DatasetManifest manifest;

  private Dataset(String uri, DatasetManifest manifest) {
    this.uri = uri;
    this.manifest = manifest;
  }

  /** {@link #open(String, Configuration)} for a URI. */
  public static Dataset open(URI uri, Configuration hadoop) {
    return open(uri.toString(), hadoop);
  }

  /**
   * Opens the dataset in a directory.
   *
   * @throws BadInputException when there is no such directory, no committed manifest, or a damaged
   *     or unknown one
   * @throws UncheckedIOException when the file system fails
   */
  public static Dataset open(String uri, Configuration hadoop) {
    Path root = new Path(requireNonNull(uri, "uri"));
    try {
      FileSystem fs = root.getFileSystem(hadoop);
      if (!fs.exists(root)) {
        throw new BadInputException(
            "Cannot open dataset: dataset=%s does not exist; try `talespark prepare --out %s`"
                .formatted(uri, uri));
      }
      Path file = new Path(root, DatasetManifest.FILE);
      return new Dataset(
          fs.makeQualified(root).toString(),
          DatasetManifest.fromJson(read(fs, file, uri), file.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot open dataset: dataset=" + uri, e);
    }
  }

  private static byte[] read(FileSystem fs, Path file, String uri) throws IOException {
    FileStatus status;
    try {
      status = fs.getFileStatus(file);
    } catch (FileNotFoundException e) {
      throw new BadInputException(
          "Cannot open dataset: dataset=%s has no %s, expected a committed dataset; try running prepare to its end"
              .formatted(uri, DatasetManifest.FILE),
          e);
    }
    if (!status.isFile() || status.getLen() > MOST_MANIFEST_BYTES) {
      throw new BadInputException(
          "Cannot open dataset: manifest=%s bytes=%d, expected a file of at most %d bytes"
              .formatted(file, status.getLen(), MOST_MANIFEST_BYTES));
    }
    byte[] bytes = new byte[(int) status.getLen()];
    try (FSDataInputStream in = fs.open(file)) {
      in.readFully(bytes);
    }
    return bytes;
  }

  /** The directory, qualified. */
  public String uri() {
    return uri;
  }

  public DatasetManifest manifest() {
    return manifest;
  }

  /** Samples of a split. */
  public long samples(Split split) {
    return manifest.splits().getOrDefault(split.id(), 0L);
  }

  /** The shards of a split, in order; empty when the split has no sample. */
  public List<Shard> shards(Split split) {
    return manifest.shards().stream()
        .filter(s -> s.split().equals(split.id()))
        .map(s -> new Shard(uri + "/" + s.path(), split, s.samples(), s.bytes(), s.sha256()))
        .toList();
  }

  /** The Parquet files of the index: one row for every input, the rejected ones included. */
  public List<String> indexPaths() {
    return manifest.index().files().stream().map(f -> uri + "/" + f.path()).toList();
  }
}
