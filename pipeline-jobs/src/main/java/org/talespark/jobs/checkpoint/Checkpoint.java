package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.Sha256;

/**
 * A committed checkpoint: its marker belongs to its manifest, and its files are there with the
 * lengths the manifest says.
 */
public final class Checkpoint {
  static final String MANIFEST = "manifest.json";
  static final String COMMITTED = "COMMITTED";

  private final FileSystem fs;
  private final Path path;
  private final Manifest manifest;

  private Checkpoint(FileSystem fs, Path path, Manifest manifest) {
    this.fs = fs;
    this.path = path;
    this.manifest = manifest;
  }

  /**
   * Opens a checkpoint directory.
   *
   * @throws IOException when it is not committed, or a file is missing or has another length; the
   *     message names it
   */
  public static Checkpoint open(FileSystem fs, Path path) throws IOException {
    FileSystem direct = Files.direct(fs);
    Path marker = new Path(path, COMMITTED);
    if (!direct.exists(marker)) {
      throw new IOException(
          "Cannot use checkpoint %s: no %s in it, its writing was interrupted"
              .formatted(path, COMMITTED));
    }
    byte[] manifestBytes = Files.read(direct, new Path(path, MANIFEST));
    String expected = new String(Files.read(direct, marker), UTF_8).strip();
    if (!Sha256.hex(manifestBytes).equals(expected)) {
      throw new IOException(
          "Cannot use checkpoint %s: sha256 of %s is not the one in %s"
              .formatted(path, MANIFEST, COMMITTED));
    }
    Manifest manifest = Files.JSON.readValue(manifestBytes, Manifest.class);
    for (Map.Entry<String, Manifest.Entry> file : manifest.files().entrySet()) {
      FileStatus status = direct.getFileStatus(new Path(path, file.getKey()));
      if (status.getLen() != file.getValue().length()) {
        throw new IOException(
            "Cannot use checkpoint %s: file=%s, length=%d, expected %d"
                .formatted(path, file.getKey(), status.getLen(), file.getValue().length()));
      }
    }
    return new Checkpoint(direct, path, manifest);
  }

  /** Compares the hash of every file with the manifest; reads them all. */
  public void verify() throws IOException {
    for (Map.Entry<String, Manifest.Entry> file : manifest.files().entrySet()) {
      String found = Files.sha256(fs, new Path(path, file.getKey()));
      if (!found.equals(file.getValue().sha256())) {
        throw new IOException(
            "Cannot use checkpoint %s: file=%s, sha256=%s, expected %s"
                .formatted(path, file.getKey(), found, file.getValue().sha256()));
      }
    }
  }

  /** The training step after which it was written. */
  public long step() {
    return manifest.step();
  }

  public Path path() {
    return path;
  }

  /** The names of its files, without manifest and marker. */
  public Set<String> files() {
    return Set.copyOf(manifest.files().keySet());
  }

  public boolean has(String file) {
    return manifest.files().containsKey(file);
  }

  /** Reads a file from its beginning. */
  public InputStream open(String file) throws IOException {
    return fs.open(resolve(file));
  }

  /** Reads a file at any position. */
  public SeekableByteChannel channel(String file) throws IOException {
    Path resolved = resolve(file);
    return new HadoopChannel(fs.open(resolved), manifest.files().get(file).length());
  }

  private Path resolve(String file) throws IOException {
    if (!has(file)) {
      throw new IOException(
          "Cannot open file of checkpoint %s: file=%s, expected one of %s"
              .formatted(path, file, manifest.files().keySet()));
    }
    return new Path(path, file);
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
