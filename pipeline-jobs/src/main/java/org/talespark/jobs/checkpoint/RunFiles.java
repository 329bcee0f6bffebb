package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.Sha256;

/**
 * The small files beside the checkpoints of a run. Those named as lasting are never seen torn, also
 * where files cannot be renamed: {@code NAME.next}, which begins with the hash of the rest, is
 * written before {@code NAME} and deleted after it, so that one of the two is whole whenever the
 * writer dies. Whoever reads takes a whole {@code NAME.next} first.
 */
public final class RunFiles {
  private static final Logger LOG = LoggerFactory.getLogger(RunFiles.class);
  private static final String NEXT = ".next";
  private static final int HASH_CHARACTERS = 64;

  private final Storage storage;
  private final Path root;
  private final Set<String> lasting;

  /**
   * Uses a file system.
   *
   * @param root the run directory; it need not exist yet
   * @param lasting names of the files that must never be seen torn
   */
  public RunFiles(FileSystem fs, Path root, Set<String> lasting) {
    this(new Storage(fs), root, lasting);
  }

  RunFiles(Storage storage, Path root, Set<String> lasting) {
    this.storage = storage;
    this.root = root;
    this.lasting = Set.copyOf(lasting);
  }

  /** Writes a whole file, replacing an earlier one; when it returns, a lasting one is stored. */
  public void write(String name, byte[] bytes) throws IOException {
    Path file = new Path(root, name);
    if (!lasting.contains(name)) {
      storage.writeUnsynced(file, bytes);
      return;
    }
    storage.write(
        next(name),
        out -> {
          out.write((Sha256.hex(bytes) + "\n").getBytes(UTF_8));
          out.write(bytes);
        });
    storage.write(file, bytes);
    storage.delete(next(name), false);
  }

  /** A whole file, or empty when there is none. */
  public Optional<byte[]> read(String name) throws IOException {
    if (lasting.contains(name)) {
      Optional<byte[]> next = storage.read(next(name)).flatMap(RunFiles::whole);
      if (next.isPresent()) {
        LOG.warn("Its writer was interrupted, taking what it wrote first: {}", next(name));
        return next;
      }
    }
    return storage.read(new Path(root, name));
  }

  /** Deletes a file if it is there. */
  public void delete(String name) throws IOException {
    storage.delete(new Path(root, name), false);
    if (lasting.contains(name)) {
      storage.delete(next(name), false);
    }
  }

  private Path next(String name) {
    return new Path(root, name + NEXT);
  }

  private static Optional<byte[]> whole(byte[] next) {
    if (next.length <= HASH_CHARACTERS || next[HASH_CHARACTERS] != '\n') {
      return Optional.empty();
    }
    byte[] bytes = Arrays.copyOfRange(next, HASH_CHARACTERS + 1, next.length);
    boolean right = Sha256.hex(bytes).equals(new String(next, 0, HASH_CHARACTERS, UTF_8));
    return right ? Optional.of(bytes) : Optional.empty();
  }
}
