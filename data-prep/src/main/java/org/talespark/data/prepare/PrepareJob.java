package org.talespark.data.prepare;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.BadInputException;
import org.talespark.data.Sha256;
import org.talespark.data.corpus.Corpus;
import org.talespark.data.corpus.Listing;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.DatasetManifest.IndexFile;
import org.talespark.data.dataset.DatasetManifest.ShardEntry;

/**
 * A corpus to a dataset: WebDataset shards, Parquet index, manifest.
 *
 * <p>Four stages (see {@link Stages}): examine every input by itself and convert its picture; judge
 * all rows together (keys, duplicates); put them in one total order; write shards and index, a file
 * a task. Shards and index depend on input and settings alone, whatever the parallelism and however
 * often tasks are rerun. The manifest is written last: before it the old dataset, if any, is whole;
 * after it the new one is.
 */
public final class PrepareJob {

  /**
   * What a run did.
   *
   * @param accepted samples of the dataset
   * @param rejected rows of the dataset by reason, of the closed list
   * @param shards of the dataset
   * @param imagesPerSecond inputs of this run over seconds; 0 when nothing had to be done
   * @param unchanged whether the committed dataset was already that of this input and these
   *     settings
   */
  public record Result(
      long accepted,
      Map<String, Long> rejected,
      int shards,
      double imagesPerSecond,
      double seconds,
      boolean unchanged) {
    public Result {
      rejected = Collections.unmodifiableMap(new TreeMap<>(rejected));
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(PrepareJob.class);

  private final List<String> inputs;
  private final String out;
  private final PrepareConfig config;
  private final boolean append;
  private PrepareProgress progress = PrepareProgress.none();
  private int tasks;
  private Milestone milestone = place -> {};

  /**
   * Describes a run.
   *
   * @param inputs folders and files on any Hadoop file system
   * @param out the dataset's directory: new, or holding a dataset, which is replaced
   */
  public PrepareJob(List<String> inputs, String out, PrepareConfig config) {
    this(inputs, out, config, false);
  }

  /**
   * Describes a run that may add to a dataset.
   *
   * @param append whether the dataset in {@code out} stays and only gets the inputs whose source is
   *     not in its index yet; without a dataset there, a new one is made
   */
  public PrepareJob(List<String> inputs, String out, PrepareConfig config, boolean append) {
    this.inputs = List.copyOf(inputs);
    this.out = requireNonNull(out, "out");
    this.config = requireNonNull(config, "config");
    this.append = append;
    if (this.inputs.isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot prepare: input=none, expected at least one folder or file");
    }
  }

  /** Tells how far the long stages have come. */
  public PrepareJob reporting(PrepareProgress to) {
    progress = requireNonNull(to, "to");
    return this;
  }

  /** With a number of tasks in the first stage; 0 for as many as the input asks for. */
  PrepareJob tasks(int number) {
    tasks = number;
    return this;
  }

  /** With somebody to tell at every place of the run. */
  PrepareJob passing(Milestone told) {
    milestone = told;
    return this;
  }

  /**
   * Prepares the dataset.
   *
   * @throws BadInputException when an input is missing, or no row of it is usable
   * @throws IllegalArgumentException when {@code out} holds something else, or a dataset of other
   *     settings is to be added to
   * @throws IllegalStateException when another run is writing to {@code out}
   */
  public Result run(SparkSession spark) {
    long start = System.nanoTime();
    Configuration hadoop = spark.sessionState().newHadoopConf();
    try {
      Path root = Storage.of(new Path(out), hadoop).makeQualified(new Path(out));
      FileSystem fs = Storage.of(root, hadoop);
      refuseNesting(root, hadoop);
      DatasetManifest old = committed(fs, root, hadoop);
      if (fs.exists(root)) {
        Staging.cleanUp(fs, root, old == null ? Set.of() : Set.copyOf(old.paths()));
      }
      if (append && old != null) {
        requireSameSettings(old);
      }
      String blocked =
          config.blocklist() == null ? "" : new Blocklist(config.blocklist()).check(hadoop);
      Listing listing = Corpus.list(inputs, config.format(), config.readLimits(), hadoop);
      String fingerprint =
          blocked.isEmpty() ? listing.fingerprint() : hash(listing.fingerprint(), blocked);
      if (old != null && current(fs, root, old, fingerprint)) {
        return unchanged(old, start);
      }
      boolean adds = append && old != null;
      DatasetManifest made =
          reported(
              spark,
              () ->
                  new PrepareRun(inputs, config, fs, root, hadoop, tasks, milestone)
                      .make(spark, listing, fingerprint, old, adds));
      if (adds && made.equals(old)) {
        return unchanged(old, start);
      }
      long rows = made.input().rows() - (adds ? old.input().rows() : 0);
      return result(made, rows, start, false);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot prepare: out=" + out, e);
    }
  }

  /** Does work while a listener tells how far it is. */
  private DatasetManifest reported(SparkSession spark, Work work) throws IOException {
    ProgressListener listener = new ProgressListener(progress, Stages.WORKS);
    spark.sparkContext().addSparkListener(listener);
    try {
      return work.run();
    } finally {
      spark.sparkContext().removeSparkListener(listener);
    }
  }

  @FunctionalInterface
  private interface Work {
    DatasetManifest run() throws IOException;
  }

  private Result unchanged(DatasetManifest old, long start) {
    LOG.info("Dataset is up to date: out={} samples={}", out, old.accepted());
    return result(old, 0, start, true);
  }

  private static Result result(DatasetManifest manifest, long rows, long start, boolean unchanged) {
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Result(
        manifest.accepted(),
        manifest.reasons(),
        manifest.shards().size(),
        rows / seconds,
        seconds,
        unchanged);
  }

  private void refuseNesting(Path root, Configuration hadoop) throws IOException {
    for (String input : inputs) {
      Path in = new Path(input);
      Path folder = Storage.of(in, hadoop).makeQualified(in);
      if ((root + "/").startsWith(folder + "/") || (folder + "/").startsWith(root + "/")) {
        throw new IllegalArgumentException(
            "Cannot prepare: out=%s and input=%s lie in one another, expected separate folders"
                .formatted(root, folder));
      }
    }
  }

  private static DatasetManifest committed(FileSystem fs, Path root, Configuration hadoop)
      throws IOException {
    return fs.exists(new Path(root, DatasetManifest.FILE))
        ? Dataset.open(root.toString(), hadoop).manifest()
        : null;
  }

  private void requireSameSettings(DatasetManifest old) {
    config
        .firstDifference(old.settings())
        .ifPresent(
            key -> {
              throw new IllegalArgumentException(
                  "Cannot append: prepare.%s=%s, expected %s as in the dataset out=%s; try the same settings or leave --append out"
                      .formatted(key, config.toJson().get(key), old.settings().get(key), out));
            });
  }

  /**
   * Whether the committed dataset came from this very input and these settings, and is all there.
   */
  private boolean current(FileSystem fs, Path root, DatasetManifest old, String fingerprint)
      throws IOException {
    if (!old.input().fingerprint().equals(fingerprint)
        || config.firstDifference(old.settings()).isPresent()) {
      return false;
    }
    for (IndexFile file : old.index().files()) {
      if (!hasLength(fs, new Path(root, file.path()), file.bytes())) {
        return false;
      }
    }
    for (ShardEntry shard : old.shards()) {
      if (!hasLength(fs, new Path(root, shard.path()), shard.bytes())) {
        return false;
      }
    }
    return true;
  }

  private static boolean hasLength(FileSystem fs, Path file, long bytes) throws IOException {
    return fs.exists(file) && fs.getFileStatus(file).getLen() == bytes;
  }

  private static String hash(String... parts) {
    return Sha256.hex(String.join(" ", parts).getBytes(StandardCharsets.UTF_8));
  }
}
