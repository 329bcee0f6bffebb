package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.Sha256;

/**
 * The checkpoints of a run directory: {@code checkpoints/step-00001000/} with files, {@code
 * manifest.json} (length and SHA-256 of each) and, written last, {@code COMMITTED} (SHA-256 of the
 * manifest). While one is written, {@code WRITING} lists the files it will have; so a directory
 * that an interrupted run left can be told from somebody else's.
 *
 * <p>One writer at a time: hold a {@link RunLock}.
 */
public final class CheckpointStore {
  static final String WRITING = "WRITING";

  private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
  private static final Pattern DIRECTORY = Pattern.compile("step-\\d{8}");
  private static final Pattern FILE = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*");
  private static final Set<String> RESERVED =
      Set.of(Checkpoint.MANIFEST, Checkpoint.COMMITTED, WRITING);
  private static final long MAX_STEP = 99_999_999;

  private final FileSystem fs;
  private final Path root;

  /**
   * Uses a file system.
   *
   * @param runDirectory the run directory; it need not exist yet
   */
  public CheckpointStore(FileSystem fs, Path runDirectory) {
    this.fs = Files.direct(fs);
    this.root = new Path(runDirectory, "checkpoints");
  }

  /** Uses the file system that the path names, or the default one. */
  public CheckpointStore(Configuration configuration, Path runDirectory) throws IOException {
    this(runDirectory.getFileSystem(configuration), runDirectory);
  }

  /**
   * Writes and commits a checkpoint. When it fails nothing is committed, and what was written is
   * removed as far as possible.
   *
   * @param step 0 to 99,999,999; an intact checkpoint of this step must not exist
   * @param files by name, without directories
   */
  public Checkpoint write(long step, Map<String, FileBody> files) throws IOException {
    checkArguments(step, files.keySet());
    Path directory = directory(step);
    makeRoom(step, directory);
    try {
      fs.mkdirs(directory);
      byte[] names = String.join("\n", new TreeSet<>(files.keySet())).getBytes(UTF_8);
      Files.write(fs, new Path(directory, WRITING), out -> out.write(names));
      Map<String, Manifest.Entry> entries = new TreeMap<>();
      for (Map.Entry<String, FileBody> file : files.entrySet()) {
        entries.put(
            file.getKey(), Files.write(fs, new Path(directory, file.getKey()), file.getValue()));
      }
      byte[] manifest = Files.JSON.writeValueAsBytes(new Manifest(Manifest.VERSION, step, entries));
      Files.write(fs, new Path(directory, Checkpoint.MANIFEST), out -> out.write(manifest));
      byte[] marker = (Sha256.hex(manifest) + "\n").getBytes(UTF_8);
      Files.write(fs, new Path(directory, Checkpoint.COMMITTED), out -> out.write(marker));
    } catch (IOException | RuntimeException e) {
      cleanUpAfter(e, directory);
      throw e;
    }
    fs.delete(new Path(directory, WRITING), false);
    return Checkpoint.open(fs, directory);
  }

  private static void checkArguments(long step, Set<String> names) {
    if (step < 0 || step > MAX_STEP) {
      throw new IllegalArgumentException(
          "Cannot write checkpoint: step=%d, expected 0 to %d".formatted(step, MAX_STEP));
    }
    for (String name : names) {
      if (!FILE.matcher(name).matches() || RESERVED.contains(name)) {
        throw new IllegalArgumentException(
            "Cannot write checkpoint: file=%s, expected a plain name other than %s"
                .formatted(name, new TreeSet<>(RESERVED)));
      }
    }
  }

  /** Removes what an interrupted run left of this step, or a damaged checkpoint. */
  private void makeRoom(long step, Path directory) throws IOException {
    if (!fs.exists(directory)) {
      return;
    }
    try {
      Checkpoint.open(fs, directory).verify();
    } catch (IOException | RuntimeException e) {
      LOG.warn("Replacing an unusable checkpoint: step={}, reason={}", step, e.getMessage());
      if (fs.listStatus(directory).length > 0 && !remove(directory)) {
        throw new IOException(
            "Cannot write checkpoint: %s exists and holds files that are not a checkpoint's; try to move it away"
                .formatted(directory),
            e);
      }
      return;
    }
    throw new IllegalStateException(
        "Cannot write checkpoint: %s is committed, expected no checkpoint of step %d"
            .formatted(directory, step));
  }

  private void cleanUpAfter(Exception failure, Path directory) {
    try {
      fs.delete(new Path(directory, Checkpoint.COMMITTED), false);
      remove(directory);
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * The newest checkpoint whose hashes all match; damaged ones are passed over with a warning.
   * Reads the files it checks.
   */
  public Optional<Checkpoint> latestCommitted() throws IOException {
    List<Checkpoint> candidates = new ArrayList<>(committed());
    candidates.sort(Comparator.comparingLong(Checkpoint::step).reversed());
    for (Checkpoint checkpoint : candidates) {
      try {
        checkpoint.verify();
        return Optional.of(checkpoint);
      } catch (IOException e) {
        LOG.warn("Passing over a damaged checkpoint: {}", e.getMessage());
      }
    }
    return Optional.empty();
  }

  /**
   * The committed checkpoints whose files are there with the right lengths, oldest first. Others
   * are named in a warning.
   */
  public List<Checkpoint> committed() throws IOException {
    List<Checkpoint> committed = new ArrayList<>();
    for (Path directory : directories()) {
      if (!fs.exists(new Path(directory, Checkpoint.COMMITTED))) {
        LOG.warn("Passing over a checkpoint that was not committed: {}", directory);
        continue;
      }
      try {
        Checkpoint checkpoint = Checkpoint.open(fs, directory);
        if (!directory(checkpoint.step()).getName().equals(directory.getName())) {
          throw new IOException(
              "Cannot use checkpoint %s: it is of step %d".formatted(directory, checkpoint.step()));
        }
        committed.add(checkpoint);
      } catch (IOException | IllegalArgumentException e) {
        LOG.warn("Passing over a damaged checkpoint: {}: {}", directory, e.getMessage());
      }
    }
    committed.sort(Comparator.comparingLong(Checkpoint::step));
    return committed;
  }

  /**
   * The committed checkpoint of a step.
   *
   * @throws IOException when there is none, or it cannot be used
   */
  public Checkpoint of(long step) throws IOException {
    return Checkpoint.open(fs, directory(step));
  }

  /**
   * Removes old checkpoints and what interrupted runs left before the newest one. Without a
   * committed checkpoint nothing is removed; nor is any file that is not of a checkpoint.
   *
   * @param keepLast how many of the newest stay, at least 1
   * @param alsoKeep steps that stay besides
   * @return the removed directories
   */
  public List<Path> prune(int keepLast, Set<Long> alsoKeep) throws IOException {
    if (keepLast < 1) {
      throw new IllegalArgumentException(
          "Cannot prune checkpoints: keep_last=" + keepLast + ", expected at least 1");
    }
    List<Checkpoint> committed = committed();
    if (committed.isEmpty()) {
      return List.of();
    }
    Set<String> kept = new TreeSet<>();
    alsoKeep.forEach(step -> kept.add(directory(step).getName()));
    int first = Math.max(0, committed.size() - keepLast);
    committed.subList(first, committed.size()).forEach(c -> kept.add(c.path().getName()));
    String newest = committed.get(committed.size() - 1).path().getName();
    List<Path> removed = new ArrayList<>();
    for (Path directory : directories()) {
      boolean old = directory.getName().compareTo(newest) < 0;
      if (old && !kept.contains(directory.getName()) && remove(directory)) {
        removed.add(directory);
      }
    }
    return removed;
  }

  /**
   * Removes a checkpoint's files, the marker first, and the directory if it is then empty. False:
   * nothing in it was ours.
   */
  private boolean remove(Path directory) throws IOException {
    Set<String> ours = new TreeSet<>();
    Path writing = new Path(directory, WRITING);
    if (fs.exists(writing)) {
      ours.addAll(List.of(new String(Files.read(fs, writing), UTF_8).split("\n")));
    }
    Path manifest = new Path(directory, Checkpoint.MANIFEST);
    if (fs.exists(manifest)) {
      try {
        ours.addAll(
            Files.JSON.readValue(Files.read(fs, manifest), Manifest.class).files().keySet());
      } catch (IOException e) {
        LOG.warn(
            "Keeping the files of a checkpoint whose manifest is damaged: {}: {}",
            directory,
            e.getMessage());
      }
    }
    if (ours.isEmpty()) {
      return false;
    }
    fs.delete(new Path(directory, Checkpoint.COMMITTED), false);
    for (String name : ours) {
      if (FILE.matcher(name).matches()) {
        fs.delete(new Path(directory, name), false);
      }
    }
    fs.delete(manifest, false);
    fs.delete(writing, false);
    FileStatus[] left = fs.listStatus(directory);
    if (left.length > 0) {
      LOG.warn("Keeping files that are not the checkpoint's: {}", directory);
      return true;
    }
    fs.delete(directory, false);
    return true;
  }

  private Path directory(long step) {
    return new Path(root, "step-%08d".formatted(step));
  }

  private List<Path> directories() throws IOException {
    List<Path> directories = new ArrayList<>();
    try {
      for (FileStatus status : fs.listStatus(root)) {
        if (status.isDirectory() && DIRECTORY.matcher(status.getPath().getName()).matches()) {
          directories.add(status.getPath());
        }
      }
    } catch (FileNotFoundException e) {
      return List.of(); // no checkpoint yet
    }
    return directories;
  }
}
