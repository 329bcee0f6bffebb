package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of a run directory: {@code checkpoints/step-00001000/} with files, {@code
 * manifest.json} (length and SHA-256 of each) and, written last, {@code COMMITTED} (SHA-256 of the
 * manifest, and the names again). While one is written, {@code WRITING} lists the files it will
 * have; so a directory that an interrupted run left can be told from somebody else's.
 *
 * <p>One writer at a time: hold a {@link RunLock}, and give the store its {@link Fence}.
 */
public final class CheckpointStore {
  static final String WRITING = "WRITING";

  private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
  private static final Pattern DIRECTORY = Pattern.compile("step-\\d{8}");
  private static final Pattern FILE = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*");
  private static final Set<String> RESERVED =
      Set.of(Checkpoint.MANIFEST, Checkpoint.COMMITTED, WRITING);
  private static final long MAX_STEP = 99_999_999;

  private final Storage storage;
  private final Path root;
  private final Fence fence;

  /**
   * Uses a file system.
   *
   * @param runDirectory the run directory; it need not exist yet
   */
  public CheckpointStore(FileSystem fs, Path runDirectory) {
    this(new Storage(fs), runDirectory);
  }

  /** Uses the file system that the path names, or the default one. */
  public CheckpointStore(Configuration configuration, Path runDirectory) throws IOException {
    this(runDirectory.getFileSystem(configuration), runDirectory);
  }

  CheckpointStore(Storage storage, Path runDirectory) {
    this(storage, new Path(runDirectory, "checkpoints"), Fence.NONE);
  }

  private CheckpointStore(Storage storage, Path root, Fence fence) {
    this.storage = storage;
    this.root = root;
    this.fence = fence;
  }

  /** The same checkpoints for a writer that stops when its fence says so. */
  public CheckpointStore fenced(Fence by) {
    return new CheckpointStore(storage, root, by);
  }

  /**
   * Writes and commits a checkpoint. When it fails nothing is committed, and what was written is
   * removed as far as possible.
   *
   * @param step 0 to 99,999,999; an intact checkpoint of this step must not exist
   * @param files by name, without directories; each may be asked for its bytes more than once
   * @throws FencedException when another run has taken over; then nothing is removed either
   */
  public Checkpoint write(long step, Map<String, FileBody> files) throws IOException {
    checkArguments(step, files.keySet());
    fence.check();
    Path directory = directory(step);
    makeRoom(step, directory);
    try {
      storage.mkdirs(directory);
      byte[] names = String.join("\n", new TreeSet<>(files.keySet())).getBytes(UTF_8);
      storage.write(new Path(directory, WRITING), names);
      Map<String, Manifest.Entry> entries = new TreeMap<>();
      for (Map.Entry<String, FileBody> file : files.entrySet()) {
        entries.put(
            file.getKey(), storage.write(new Path(directory, file.getKey()), file.getValue()));
      }
      byte[] manifest =
          Storage.JSON.writeValueAsBytes(new Manifest(Manifest.VERSION, step, entries));
      storage.write(new Path(directory, Checkpoint.MANIFEST), manifest);
      fence.check();
      storage.write(
          new Path(directory, Checkpoint.COMMITTED), Checkpoint.marker(manifest, files.keySet()));
    } catch (IOException | RuntimeException e) {
      cleanUpAfter(e, directory);
      throw e;
    }
    try {
      storage.delete(new Path(directory, WRITING), false);
    } catch (IOException e) { // the commit stands, and pruning will take this file too
      LOG.warn("Left a file in a committed checkpoint: {}", e.getMessage());
    }
    return Checkpoint.open(storage, directory);
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

  /**
   * Removes what an interrupted run left of this step, or a damaged checkpoint. One that merely
   * cannot be read now is never removed.
   */
  private void makeRoom(long step, Path directory) throws IOException {
    if (!storage.exists(directory)) {
      return;
    }
    try {
      Checkpoint.open(storage, directory).verify();
    } catch (DamagedCheckpointException e) {
      LOG.warn("Replacing an unusable checkpoint: step={}, reason={}", step, e.getMessage());
      if (!remove(directory)) {
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

  /** Removes what was written, unless the directory is another writer's by now. */
  private void cleanUpAfter(Exception failure, Path directory) {
    boolean interrupted = Thread.interrupted(); // an interrupt ends the writing, not the tidying
    try {
      fence.check();
      storage.delete(new Path(directory, Checkpoint.COMMITTED), false);
      remove(directory);
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * The newest checkpoint whose hashes all match; damaged ones are passed over with a warning.
   * Reads the files it checks.
   *
   * @throws IOException when a checkpoint cannot be read, which does not say that it is damaged
   */
  public Optional<Checkpoint> latestCommitted() throws IOException {
    List<Checkpoint> candidates = new ArrayList<>(committed());
    candidates.sort(Comparator.comparingLong(Checkpoint::step).reversed());
    for (Checkpoint checkpoint : candidates) {
      try {
        checkpoint.verify();
        return Optional.of(checkpoint);
      } catch (DamagedCheckpointException e) {
        LOG.warn("Passing over a damaged checkpoint: {}", e.getMessage());
      }
    }
    return Optional.empty();
  }

  /**
   * The checkpoint of a step, if it is committed and the hashes match.
   *
   * @param which of its files are read and compared
   */
  public Optional<Checkpoint> intact(long step, Predicate<String> which) throws IOException {
    try {
      Checkpoint checkpoint = Checkpoint.open(storage, directory(step));
      checkpoint.verify(which);
      return checkpoint.step() == step ? Optional.of(checkpoint) : Optional.empty();
    } catch (DamagedCheckpointException e) {
      LOG.debug("No intact checkpoint: {}", e.getMessage());
      return Optional.empty();
    }
  }

  /**
   * The committed checkpoints whose files are there with the right lengths, oldest first. Others
   * are named in a warning.
   */
  public List<Checkpoint> committed() throws IOException {
    List<Checkpoint> committed = new ArrayList<>();
    for (Path directory : directories()) {
      committed(directory).ifPresent(committed::add);
    }
    committed.sort(Comparator.comparingLong(Checkpoint::step));
    return committed;
  }

  /** The last of {@link #committed}, without a look at older ones. */
  public Optional<Checkpoint> newest() throws IOException {
    List<Path> directories = new ArrayList<>(directories());
    directories.sort(Comparator.comparing(Path::getName).reversed());
    for (Path directory : directories) {
      Optional<Checkpoint> checkpoint = committed(directory);
      if (checkpoint.isPresent()) {
        return checkpoint;
      }
    }
    return Optional.empty();
  }

  private Optional<Checkpoint> committed(Path directory) throws IOException {
    try {
      Checkpoint checkpoint = Checkpoint.open(storage, directory);
      if (!directory(checkpoint.step()).getName().equals(directory.getName())) {
        throw new DamagedCheckpointException(
            "Cannot use checkpoint %s: it is of step %d".formatted(directory, checkpoint.step()));
      }
      return Optional.of(checkpoint);
    } catch (DamagedCheckpointException e) {
      LOG.warn("Passing over a checkpoint: {}", e.getMessage());
      return Optional.empty();
    }
  }

  /**
   * The committed checkpoint of a step.
   *
   * @throws IOException when there is none, or it cannot be used
   */
  public Checkpoint of(long step) throws IOException {
    return Checkpoint.open(storage, directory(step));
  }

  /**
   * Removes old checkpoints and what interrupted runs left before the newest one. Without a
   * committed checkpoint nothing is removed; nor is any file that is not of a checkpoint.
   *
   * @param keepLast how many of the newest stay, at least 1
   * @param alsoKeep steps that stay besides
   * @return the removed directories
   * @throws FencedException when another run has taken over; then nothing is removed
   */
  public List<Path> prune(int keepLast, Set<Long> alsoKeep) throws IOException {
    if (keepLast < 1) {
      throw new IllegalArgumentException(
          "Cannot prune checkpoints: keep_last=" + keepLast + ", expected at least 1");
    }
    fence.check();
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
   * it holds files, and none of them is ours.
   */
  private boolean remove(Path directory) throws IOException {
    Set<String> ours = names(directory);
    if (ours.isEmpty() && !storage.list(directory).isEmpty()) {
      return false;
    }
    storage.delete(new Path(directory, Checkpoint.COMMITTED), false);
    for (String name : ours) {
      if (!RESERVED.contains(name)) {
        storage.delete(new Path(directory, name), false);
      }
    }
    // what names the files goes after them: an interrupted removal can be taken up again
    storage.delete(new Path(directory, Checkpoint.MANIFEST), false);
    storage.delete(new Path(directory, WRITING), false);
    if (!storage.list(directory).isEmpty()) {
      LOG.warn("Keeping files that are not the checkpoint's: {}", directory);
      return true;
    }
    storage.delete(directory, false);
    return true;
  }

  /** The files of a checkpoint, whole or not, by all that still says so; empty: it is none. */
  private Set<String> names(Path directory) throws IOException {
    Set<String> names = new TreeSet<>();
    for (String list : List.of(WRITING, Checkpoint.COMMITTED)) {
      Optional<byte[]> lines = storage.read(new Path(directory, list));
      if (lines.isPresent()) {
        names.add(list);
        new String(lines.get(), UTF_8).lines().forEach(names::add);
      }
    }
    Optional<byte[]> manifest = storage.read(new Path(directory, Checkpoint.MANIFEST));
    if (manifest.isPresent()) {
      names.add(Checkpoint.MANIFEST);
      try {
        names.addAll(Storage.JSON.readValue(manifest.get(), Manifest.class).files().keySet());
      } catch (IOException e) {
        LOG.warn("Cannot read the names of files in {}: {}", directory, e.getMessage());
      }
    }
    names.removeIf(name -> !FILE.matcher(name).matches());
    return names;
  }

  private Path directory(long step) {
    return new Path(root, "step-%08d".formatted(step));
  }

  private List<Path> directories() throws IOException {
    List<Path> directories = new ArrayList<>();
    for (FileStatus status : storage.list(root)) {
      if (status.isDirectory() && DIRECTORY.matcher(status.getPath().getName()).matches()) {
        directories.add(status.getPath());
      }
    }
    return directories;
  }
}
