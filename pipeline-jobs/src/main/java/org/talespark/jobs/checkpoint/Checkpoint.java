package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JacksonException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
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

  private final Storage storage;
  private final Path path;
  private final Manifest manifest;

  private Checkpoint(Storage storage, Path path, Manifest manifest) {
    this.storage = storage;
    this.path = path;
    this.manifest = manifest;
  }

  /** Whether a directory is a committed checkpoint; its files are not looked at. */
  public static boolean isIn(FileSystem fs, Path directory) throws IOException {
    return fs.exists(new Path(directory, COMMITTED));
  }

  /**
   * Opens a checkpoint directory.
   *
   * @throws DamagedCheckpointException when it is not committed, or a file is missing or has
   *     another length; the message names it
   * @throws IOException when it cannot be read
   */
  public static Checkpoint open(FileSystem fs, Path path) throws IOException {
    return open(new Storage(fs), path);
  }

  static Checkpoint open(Storage storage, Path path) throws IOException {
    try {
      return openIntact(storage, path);
    } catch (IOException e) {
      throw judged(path, e);
    }
  }

  private static Checkpoint openIntact(Storage storage, Path path) throws IOException {
    byte[] marker =
        storage
            .read(new Path(path, COMMITTED))
            .orElseThrow(
                () -> damaged(path, "no " + COMMITTED + " in it, its writing was interrupted"));
    byte[] manifestBytes =
        storage
            .read(new Path(path, MANIFEST))
            .orElseThrow(() -> damaged(path, "no " + MANIFEST + " in it"));
    String hash = new String(marker, UTF_8).split("\n", 2)[0];
    if (!Sha256.hex(manifestBytes).equals(hash)) {
      throw damaged(path, "sha256 of %s is not the one in %s".formatted(MANIFEST, COMMITTED));
    }
    Manifest manifest = Storage.JSON.readValue(manifestBytes, Manifest.class);
    boolean older = new String(marker, UTF_8).equals(hash + "\n"); // named no files
    if (!older && !Arrays.equals(marker, marker(manifestBytes, manifest.files().keySet()))) {
      throw damaged(path, "%s does not name the files of %s".formatted(COMMITTED, MANIFEST));
    }
    for (Map.Entry<String, Manifest.Entry> file : manifest.files().entrySet()) {
      FileStatus status = storage.status(new Path(path, file.getKey()));
      if (status.getLen() != file.getValue().length()) {
        throw damaged(
            path,
            "file=%s, length=%d, expected %d"
                .formatted(file.getKey(), status.getLen(), file.getValue().length()));
      }
    }
    return new Checkpoint(storage, path, manifest);
  }

  /**
   * The contents of {@code COMMITTED}: the manifest's hash, and once more the names of the files,
   * so that they can be told from others when the manifest is damaged. Without the names it is of
   * an earlier version, and counts too.
   */
  static byte[] marker(byte[] manifest, Collection<String> names) {
    String text = Sha256.hex(manifest) + "\n" + String.join("\n", new TreeSet<>(names)) + "\n";
    return text.getBytes(UTF_8);
  }

  /** Compares the hash of every file with the manifest; reads them all. */
  public void verify() throws IOException {
    verify(file -> true);
  }

  /**
   * Compares the hashes of some files with the manifest; reads them.
   *
   * @throws DamagedCheckpointException naming the first one that differs
   */
  public void verify(Predicate<String> which) throws IOException {
    for (Map.Entry<String, Manifest.Entry> file : manifest.files().entrySet()) {
      if (which.test(file.getKey())) {
        String found;
        try {
          found = storage.sha256(new Path(path, file.getKey()));
        } catch (IOException e) {
          throw judged(path, e);
        }
        if (!found.equals(file.getValue().sha256())) {
          throw damaged(
              path,
              "file=%s, sha256=%s, expected %s"
                  .formatted(file.getKey(), found, file.getValue().sha256()));
        }
      }
    }
  }

  private static DamagedCheckpointException damaged(Path path, String how) {
    return new DamagedCheckpointException("Cannot use checkpoint %s: %s".formatted(path, how));
  }

  /** Tells damage from what another try may read. */
  private static IOException judged(Path path, IOException e) {
    if (e instanceof DamagedCheckpointException) {
      return e;
    }
    boolean damage =
        e instanceof FileNotFoundException || e instanceof JacksonException || Retries.isDamage(e);
    return damage
        ? new DamagedCheckpointException(
            "Cannot use checkpoint %s: %s".formatted(path, e.getMessage()), e)
        : e;
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

  /** A file's hash, as the manifest has it. */
  public String sha256(String file) throws IOException {
    resolve(file);
    return manifest.files().get(file).sha256();
  }

  /** Reads a file from its beginning. */
  public InputStream open(String file) throws IOException {
    return storage.open(resolve(file));
  }

  /** Reads a file at any position. */
  public SeekableByteChannel channel(String file) throws IOException {
    Path resolved = resolve(file);
    return new HadoopChannel(storage, resolved, manifest.files().get(file).length());
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
