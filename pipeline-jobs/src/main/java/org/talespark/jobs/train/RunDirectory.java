package org.talespark.jobs.train;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.BadInputException;
import org.talespark.jobs.checkpoint.BestCheckpoint;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.CheckpointStore;
import org.talespark.jobs.checkpoint.RunFiles;
import org.talespark.jobs.checkpoint.RunLock;

/**
 * The files of a training run: {@code config.yaml}, {@code metrics.jsonl}, {@code samples/}, {@code
 * checkpoints/}, {@code best.json} and {@code report.html}, on any Hadoop file system.
 */
public final class RunDirectory {
  static final String CONFIG = "config.yaml";
  static final String METRICS = "metrics.jsonl";
  static final String SAMPLES = "samples";
  static final String BEST = BestCheckpoint.FILE;
  static final String PROGRESS = "progress.json";
  static final String REPORT = "report.html";
  static final String RESULT = "result.json";

  private static final Logger LOG = LoggerFactory.getLogger(RunDirectory.class);

  /** What a run that goes on needs; the rest is for people. */
  private static final Set<String> LASTING = Set.of(CONFIG, METRICS, BEST);

  private final FileSystem fs;
  private final Path root;
  private final RunFiles files;

  /** Names a run directory, which need not exist. */
  public RunDirectory(String uri, Configuration hadoop) throws IOException {
    Path path = new Path(uri);
    this.fs = path.getFileSystem(hadoop);
    this.root = fs.makeQualified(path);
    this.files = new RunFiles(fs, root, LASTING);
  }

  FileSystem fileSystem() {
    return fs;
  }

  Path root() {
    return root;
  }

  CheckpointStore checkpoints() {
    return new CheckpointStore(fs, root);
  }

  /** The checkpoints for a writer of this attempt. */
  CheckpointStore checkpoints(String attempt) {
    return checkpoints().fenced(RunLock.fence(fs, root, attempt));
  }

  /** The files beside the checkpoints. */
  RunFiles files() {
    return files;
  }

  /** Writes a whole file, replacing an earlier one. */
  void write(String name, byte[] bytes) throws IOException {
    files.write(name, bytes);
  }

  /** A whole file, or empty when there is none. */
  Optional<byte[]> read(String name) throws IOException {
    return files.read(name);
  }

  void delete(String name) throws IOException {
    files.delete(name);
  }

  /** Pictures that evaluations left, oldest first. */
  List<Path> samples() throws IOException {
    Path directory = new Path(root, SAMPLES);
    if (!fs.exists(directory)) {
      return List.of();
    }
    return java.util.Arrays.stream(fs.listStatus(directory))
        .map(status -> status.getPath())
        .filter(path -> path.getName().endsWith(".png"))
        .sorted()
        .toList();
  }

  /**
   * The checkpoint that a URI stands for: of a run directory the best one, if it is there and
   * whole, else the latest committed one; a checkpoint directory itself. The hashes of its files
   * are compared, but for the optimizer's, which only a resumed run needs.
   *
   * @throws BadInputException when there is none
   */
  public static Checkpoint checkpoint(String uri, Configuration hadoop) {
    try {
      RunDirectory run = new RunDirectory(uri, hadoop);
      if (Checkpoint.isIn(run.fs, run.root)) {
        Checkpoint checkpoint = Checkpoint.open(run.fs, run.root);
        checkpoint.verify(RunDirectory::isWeights);
        return checkpoint;
      }
      Optional<Long> best = run.best();
      if (best.isPresent()) {
        Optional<Checkpoint> checkpoint =
            run.checkpoints().intact(best.get(), RunDirectory::isWeights);
        if (checkpoint.isPresent()) {
          return checkpoint.get();
        }
        LOG.warn(
            "Using the latest checkpoint, since the best is damaged: run={} step={}",
            run.root,
            best.get());
      }
      return run.checkpoints()
          .latestCommitted()
          .orElseThrow(
              () ->
                  new BadInputException(
                      "Cannot use checkpoint: checkpoint=%s, expected a run directory with a committed checkpoint, or a checkpoint directory"
                          .formatted(uri)));
    } catch (IOException e) {
      throw new BadInputException(
          "Cannot use checkpoint: checkpoint=%s; %s".formatted(uri, e.getMessage()), e);
    }
  }

  private static boolean isWeights(String file) {
    return !file.equals(LearnerFiles.OPTIMIZER);
  }

  /** The step that {@code best.json} names, if that checkpoint is committed and still there. */
  Optional<Long> best() throws IOException {
    Optional<Long> best = BestCheckpoint.read(files);
    return best.isPresent() && checkpoints().intact(best.get(), file -> false).isPresent()
        ? best
        : Optional.empty();
  }
}
