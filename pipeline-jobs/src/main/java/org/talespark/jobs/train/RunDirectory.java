package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.CheckpointStore;

/**
 * The files of a training run: {@code config.yaml}, {@code metrics.jsonl}, {@code samples/}, {@code
 * checkpoints/}, {@code best.json} and {@code report.html}, on any Hadoop file system.
 */
public final class RunDirectory {
  static final String CONFIG = "config.yaml";
  static final String METRICS = "metrics.jsonl";
  static final String SAMPLES = "samples";
  static final String BEST = "best.json";
  static final String PROGRESS = "progress.json";
  static final String REPORT = "report.html";
  static final String RESULT = "result.json";

  private final FileSystem fs;
  private final Path root;

  /** Names a run directory, which need not exist. */
  public RunDirectory(String uri, Configuration hadoop) throws IOException {
    Path path = new Path(uri);
    this.fs = path.getFileSystem(hadoop);
    this.root = fs.makeQualified(path);
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

  /** Writes a whole file, replacing an earlier one. */
  void write(String name, byte[] bytes) throws IOException {
    Path path = new Path(root, name);
    try (OutputStream out = fs.create(path, true)) {
      out.write(bytes);
    }
  }

  /** A whole file, or empty when there is none. */
  Optional<byte[]> read(String name) throws IOException {
    try (InputStream in = fs.open(new Path(root, name))) {
      return Optional.of(in.readAllBytes());
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
  }

  void delete(String name) throws IOException {
    fs.delete(new Path(root, name), false);
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
   * The checkpoint that a URI stands for: of a run directory the best, else the latest committed
   * one; a checkpoint directory itself.
   *
   * @throws BadInputException when there is none
   */
  public static Checkpoint checkpoint(String uri, Configuration hadoop) {
    try {
      RunDirectory run = new RunDirectory(uri, hadoop);
      if (run.fs.exists(new Path(run.root, "COMMITTED"))) {
        return Checkpoint.open(run.fs, run.root);
      }
      Optional<Long> best = run.best();
      for (Checkpoint checkpoint : run.checkpoints().committed()) {
        if (best.isPresent() && checkpoint.step() == best.get()) {
          return checkpoint;
        }
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

  /** The step of the best checkpoint so far. */
  Optional<Long> best() throws IOException {
    Optional<byte[]> bytes = read(BEST);
    if (bytes.isEmpty()) {
      return Optional.empty();
    }
    JsonNode best = LearnerFiles.JSON.readTree(new String(bytes.get(), UTF_8));
    return best.path("step").isNumber() ? Optional.of(best.get("step").asLong()) : Optional.empty();
  }
}
