package org.talespark.data.prepare;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.BadInputException;
import org.talespark.data.Reason;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.data.dataset.DatasetManifest.ShardEntry;
import org.talespark.data.dataset.Split;
import org.talespark.data.prepare.InputListing.Listing;

/**
 * Folders of captioned pictures to a dataset: WebDataset shards, Parquet index, manifest.
 *
 * <p>Two stages. The first reads, judges and converts every input, picture by picture, into spill
 * files; only rows meet on the driver, which drops duplicates and assigns shards in the order of
 * keys. The second copies samples into shards. Shards and index therefore depend on input and
 * settings alone, whatever the parallelism and however often tasks are rerun. The manifest is
 * written last: before it the old dataset, if any, is whole; after it the new one is.
 */
public final class PrepareJob {

  /**
   * What a run did.
   *
   * @param rejected counts by reason, of the closed list
   * @param imagesPerSecond inputs over seconds; 0 when nothing had to be done
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
  private static final int ROWS_A_TASK = 400;

  private final List<String> inputs;
  private final String out;
  private final PrepareConfig config;
  private final int tasks;
  private final Runnable beforeCommit;

  /**
   * Describes a run.
   *
   * @param inputs folders on any Hadoop file system
   * @param out the dataset's directory: new, or holding a dataset, which is replaced
   */
  public PrepareJob(List<String> inputs, String out, PrepareConfig config) {
    this(inputs, out, config, 0, () -> {});
  }

  /** With a number of tasks (0: by input and cluster) and something to do before the commit. */
  PrepareJob(
      List<String> inputs, String out, PrepareConfig config, int tasks, Runnable beforeCommit) {
    this.inputs = List.copyOf(inputs);
    this.out = requireNonNull(out, "out");
    this.config = requireNonNull(config, "config");
    this.tasks = tasks;
    this.beforeCommit = requireNonNull(beforeCommit, "beforeCommit");
    if (this.inputs.isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot prepare: input=none, expected at least one folder");
    }
  }

  /**
   * Prepares the dataset.
   *
   * @throws BadInputException when an input is missing, or no row of it is usable
   * @throws IllegalArgumentException when {@code out} holds something else
   * @throws IllegalStateException when another run is writing to {@code out}
   */
  public Result run(SparkSession spark) {
    long start = System.nanoTime();
    Configuration hadoop = spark.sessionState().newHadoopConf();
    try {
      Path root = Storage.of(new Path(out), hadoop).makeQualified(new Path(out));
      FileSystem fs = Storage.of(root, hadoop);
      refuseNesting(root, hadoop);
      Listing listing = InputListing.of(inputs, hadoop);
      DatasetManifest old = committed(fs, root, hadoop);
      if (old != null && current(fs, root, old, listing)) {
        LOG.info("Dataset is up to date: out={} samples={}", out, old.accepted());
        return result(old, 0, start, true);
      }
      DatasetManifest made = replace(spark, hadoop, fs, root, listing, old);
      return result(made, listing.candidates().size(), start, false);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot prepare: out=" + out, e);
    }
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

  /**
   * Whether the committed dataset came from this very input and these settings, and is all there.
   */
  private boolean current(FileSystem fs, Path root, DatasetManifest old, Listing listing)
      throws IOException {
    boolean same =
        old.input().fingerprint().equals(listing.fingerprint())
            && old.settings().toString().equals(config.toJson().toString());
    if (!same || !hasLength(fs, new Path(root, old.index().path()), old.index().bytes())) {
      return false;
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

  private DatasetManifest replace(
      SparkSession spark,
      Configuration hadoop,
      FileSystem fs,
      Path root,
      Listing listing,
      DatasetManifest old)
      throws IOException {
    fs.mkdirs(root);
    Set<String> used = old == null ? Set.of() : names(old);
    Staging.cleanUp(fs, root, used);
    String shardFolder = used.contains("shards") ? "shards-b" : "shards";
    String indexName = used.contains("index.parquet") ? "index-b.parquet" : "index.parquet";
    for (String name : List.of(shardFolder, indexName)) {
      if (fs.exists(new Path(root, name))) {
        throw new IllegalArgumentException(
            "Cannot prepare: out=%s holds %s that no dataset lists, expected an empty folder or a dataset; try another --out"
                .formatted(out, name));
      }
    }
    boolean done = false;
    try (Staging staging = Staging.open(fs, root, List.of(shardFolder, indexName))) {
      try {
        DatasetManifest made =
            make(spark, hadoop, fs, root, staging.folder(), listing, shardFolder, indexName);
        beforeCommit.run();
        Storage.replace(new Path(root, DatasetManifest.FILE), made.toJson(), hadoop);
        done = true;
        return made;
      } finally {
        if (!done) {
          fs.delete(new Path(root, shardFolder), true);
          fs.delete(new Path(root, indexName), false);
        }
      }
    } finally {
      if (done && old != null) {
        for (String name : used) {
          fs.delete(new Path(root, name), true);
        }
      }
    }
  }

  /** First path parts of what a dataset consists of, the manifest aside. */
  private static Set<String> names(DatasetManifest manifest) {
    Set<String> names = new HashSet<>();
    names.add(manifest.index().path().split("/", 2)[0]);
    manifest.shards().forEach(s -> names.add(s.path().split("/", 2)[0]));
    return names;
  }

  private DatasetManifest make(
      SparkSession spark,
      Configuration hadoop,
      FileSystem fs,
      Path root,
      Path staging,
      Listing listing,
      String shardFolder,
      String indexName)
      throws IOException {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    try {
      List<Row> rows = withoutDuplicates(examine(context, conf, staging, listing.candidates()));
      requireUsable(rows);
      List<ShardTask> plan = plan(rows, root, staging, shardFolder);
      List<ShardEntry> shards = writeShards(context, conf, plan);
      Map<String, String> shardOfKey = new HashMap<>();
      plan.forEach(t -> t.pieces().forEach(p -> shardOfKey.put(p.key(), t.path())));
      Path index = new Path(root, indexName);
      Path temporary = new Path(staging, indexName);
      IndexFile.write(fs, temporary, rows, shardOfKey);
      Storage.publish(fs, temporary, index);
      return manifest(fs, index, rows, shards, listing);
    } finally {
      conf.destroy();
    }
  }

  private List<Row> examine(
      JavaSparkContext context,
      Broadcast<SerializableConfiguration> conf,
      Path staging,
      List<Candidate> candidates) {
    if (candidates.isEmpty()) {
      return List.of();
    }
    ExamineTask task = new ExamineTask(config, new Path(staging, "spill").toString());
    int wanted = Math.max(context.defaultParallelism(), candidates.size() / ROWS_A_TASK);
    int slices = Math.min(candidates.size(), tasks > 0 ? tasks : wanted);
    LOG.info("Examining inputs: rows={} tasks={}", candidates.size(), slices);
    return inGroup(
        context,
        "prepare: examine " + candidates.size() + " inputs",
        () ->
            context
                .parallelize(candidates, slices)
                .mapPartitions(rows -> task.run(rows, attempt(), conf.value().value()))
                .collect());
  }

  /** Unique among all attempts of all tasks of this run. */
  private static String attempt() {
    return String.format(Locale.ROOT, "task-%d", TaskContext.get().taskAttemptId());
  }

  /** Keeps the first by key of byte-identical pictures. */
  private List<Row> withoutDuplicates(List<Row> rows) {
    if (!config.dedup()) {
      return rows;
    }
    Set<String> seen = new HashSet<>();
    List<Row> kept = new ArrayList<>(rows.size());
    for (Row row : rows) {
      boolean duplicate = row.accepted() && !seen.add(row.sha256());
      kept.add(duplicate ? row.reject(Reason.DUPLICATE) : row);
    }
    return kept;
  }

  private void requireUsable(List<Row> rows) {
    if (rows.stream().noneMatch(Row::accepted)) {
      throw new BadInputException(
          "Cannot prepare: input=%s has no usable row (%s), expected pictures with same-name .txt captions"
              .formatted(
                  inputs, rows.isEmpty() ? "no picture found" : "rejected: " + reasons(rows)));
    }
  }

  /** Shards of one split each, in the order of keys. */
  private List<ShardTask> plan(List<Row> rows, Path root, Path staging, String folder) {
    Map<Split, List<ShardTask.Piece>> pieces = new EnumMap<>(Split.class);
    for (Row row : rows) {
      if (row.accepted()) {
        pieces
            .computeIfAbsent(row.split(), s -> new ArrayList<>())
            .add(new ShardTask.Piece(row.key(), row.spilled()));
      }
    }
    List<ShardTask> plan = new ArrayList<>();
    pieces.forEach(
        (split, all) -> {
          for (int from = 0; from < all.size(); from += config.shardSamples()) {
            int to = Math.min(all.size(), from + config.shardSamples());
            plan.add(
                new ShardTask(
                    root.toString(),
                    String.format(Locale.ROOT, "%s/%05d.tar", folder, plan.size()),
                    split,
                    config.imageFormat(),
                    new Path(staging, "shards").toString(),
                    new ArrayList<>(all.subList(from, to))));
          }
        });
    return plan;
  }

  private List<ShardEntry> writeShards(
      JavaSparkContext context, Broadcast<SerializableConfiguration> conf, List<ShardTask> plan) {
    LOG.info("Writing shards: shards={}", plan.size());
    List<ShardTask.Written> written =
        inGroup(
            context,
            "prepare: write " + plan.size() + " shards",
            () ->
                context
                    .parallelize(plan, plan.size())
                    .map(task -> task.run(attempt(), conf.value().value()))
                    .collect());
    return written.stream().map(ShardTask.Written::entry).toList();
  }

  private DatasetManifest manifest(
      FileSystem fs, Path index, List<Row> rows, List<ShardEntry> shards, Listing listing)
      throws IOException {
    long accepted = rows.stream().filter(Row::accepted).count();
    Map<String, Long> splits = new TreeMap<>();
    for (Split split : Split.values()) {
      splits.put(split.id(), rows.stream().filter(r -> r.split() == split).count());
    }
    FileStatus status = fs.getFileStatus(index);
    return new DatasetManifest(
        DatasetManifest.SCHEMA_VERSION,
        config.toJson(),
        new DatasetManifest.Input(inputs, listing.fingerprint(), rows.size()),
        Map.of("accepted", accepted, "rejected", rows.size() - accepted),
        reasons(rows),
        splits,
        new DatasetManifest.Index(
            index.getName(), rows.size(), status.getLen(), Storage.sha256(fs, index)),
        shards);
  }

  private static Map<String, Long> reasons(List<Row> rows) {
    Map<String, Long> reasons = new LinkedHashMap<>();
    for (Row row : rows) {
      if (!row.accepted()) {
        reasons.merge(row.reason().id(), 1L, Long::sum);
      }
    }
    return reasons;
  }

  /** Runs a Spark job under a name of its own in the UI, and restores the caller's. */
  private static <T> T inGroup(JavaSparkContext context, String name, Supplier<T> work) {
    String before = context.getLocalProperty("spark.job.description");
    context.setLocalProperty("spark.job.description", name);
    try {
      return work.get();
    } finally {
      context.setLocalProperty("spark.job.description", before);
    }
  }
}
