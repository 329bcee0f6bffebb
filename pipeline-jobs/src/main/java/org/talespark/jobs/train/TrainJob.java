package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.RunLock;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.jobs.latents.LatentSet;
import org.talespark.jobs.latents.LatentsJob;
import org.talespark.jobs.metrics.JobLabel;
import org.talespark.jobs.metrics.RunTracker;
import org.talespark.jobs.metrics.TrackedRun;
import org.talespark.jobs.metrics.TrainingSource;
import org.talespark.zoo.train.CaptionWords;
import org.talespark.zoo.train.FirstStage;
import org.talespark.zoo.train.LearnerConfig;

/**
 * Trains a model data-parallel: one barrier stage with a task a worker, a synchronous step over all
 * of them.
 *
 * <p>What a run starts from: with {@code --resume} the latest committed checkpoint of its output
 * directory, if there is one; else the weights of {@code --base}, if given; else fresh ones. A task
 * that trains adapters always needs its base, and leaves it as it is. Without {@code --resume} an
 * output directory with checkpoints is refused.
 */
public final class TrainJob {

  /** What a run came to. */
  public record Result(
      long step,
      long samples,
      double loss,
      double samplesPerSecond,
      String checkpoint,
      int workers,
      long exchangedBytes,
      @JsonAnyGetter Map<String, Double> metrics) {}

  private final TrainConfig config;
  private final String dataset;
  private final String out;
  private final String base;
  private final boolean resume;
  private final PrintStream log;

  /** Checks nothing yet; {@link #run} does. */
  public TrainJob(
      TrainConfig config,
      String dataset,
      String out,
      String base,
      boolean resume,
      PrintStream log) {
    this.config = requireNonNull(config, "config");
    this.dataset = requireNonNull(dataset, "dataset");
    this.out = requireNonNull(out, "out");
    this.base = base;
    this.resume = resume;
    this.log = requireNonNull(log, "log");
  }

  /** Trains; when it returns, the last step's checkpoint is committed and the report written. */
  @SuppressWarnings("try") // the label is used by closing it
  public Result run(SparkSession spark) throws IOException {
    Configuration hadoop = spark.sessionState().newHadoopConf();
    Dataset data = Dataset.open(dataset, hadoop);
    RunDirectory directory = new RunDirectory(out, hadoop);
    checkSlots(spark);
    try (RunLock lock = RunLock.acquire(directory.fileSystem(), directory.root(), RunLock.LIMIT)) {
      JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
      Optional<LatentSet> latents = latents(context, data, hadoop, directory);
      TrainConfig resolved = resolve(data, latents, hadoop, directory);
      directory.write(RunDirectory.CONFIG, ConfigTree.toYaml(resolved).getBytes(UTF_8));
      directory.delete(RunDirectory.PROGRESS);
      RunSummary summary;
      String samples = latents.map(LatentSet::uri).orElse(data.uri());
      try (JobLabel label = JobLabel.of(context.sc(), "train", description(directory, resolved));
          RunTracker tracker = RunTracker.of(System.getenv(), tracked(resolved), log::println)) {
        try (TrainingSource gauges = TrainingSource.driver();
            ProgressPrinter progress = new ProgressPrinter(directory, log, gauges, tracker)) {
          progress.start();
          summary = runWorkers(context, resolved, hadoop, samples, directory, lock);
        }
        tracker.outcome(RunTracker.Outcome.FINISHED);
      }
      lock.check();
      directory.delete(RunDirectory.PROGRESS);
      new TrainReport(directory, resolved, summary).write();
      return new Result(
          summary.step(),
          summary.samples(),
          summary.loss(),
          summary.samplesPerSecond(),
          directory.root() + "/checkpoints/step-%08d".formatted(summary.bestStep()),
          summary.workers(),
          summary.exchangedBytes(),
          summary.metrics());
    }
  }

  private TrackedRun tracked(TrainConfig resolved) {
    Map<String, String> tags = new LinkedHashMap<>(versions());
    tags.put("dataset", dataset);
    tags.put("out", out);
    tags.put("resume", Boolean.toString(resume));
    return new TrackedRun(
        out.replaceFirst("/+$", "").replaceFirst(".*/", ""),
        TrackedRun.parameters(LearnerFiles.JSON.valueToTree(resolved)),
        tags);
  }

  private void checkSlots(SparkSession spark) {
    String master = spark.sparkContext().master();
    if (master.startsWith("local-cluster[")) {
      int executors =
          Integer.parseInt(master.substring(master.indexOf('[') + 1, master.indexOf(',')).strip());
      if (executors < config.train().workers()) {
        throw new IllegalArgumentException(
            "Cannot train: train.workers=%d master=%s, expected at most its %d executors; use fewer workers or a larger cluster"
                .formatted(config.train().workers(), master, executors));
      }
    }
  }

  /** The latents that are trained on in place of pictures; computed once. */
  private Optional<LatentSet> latents(
      JavaSparkContext context, Dataset data, Configuration hadoop, RunDirectory directory)
      throws IOException {
    Optional<FirstStage> firstStage = config.task().firstStageOfPictures();
    if (firstStage.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(latents(context, data, hadoop, firstStage.get(), directory, log));
  }

  /** A dataset's latents, where the first stage says or in a run's own directory. */
  static LatentSet latents(
      JavaSparkContext context,
      Dataset data,
      Configuration hadoop,
      FirstStage firstStage,
      RunDirectory directory,
      PrintStream log)
      throws IOException {
    String uri = firstStage.latents();
    Checkpoint checkpoint = RunDirectory.checkpoint(firstStage.checkpoint(), hadoop);
    return new LatentsJob(
            data,
            checkpoint,
            LearnerFiles.sha256(checkpoint),
            (of, conf) -> LearnerFiles.pretrained(conf).apply(of),
            uri == null ? directory.root() + "/latents" : located(uri, hadoop),
            log)
        .run(context, hadoop);
  }

  /** Completes the configuration, and refuses to mix runs. */
  private TrainConfig resolve(
      Dataset data, Optional<LatentSet> latents, Configuration hadoop, RunDirectory directory)
      throws IOException {
    boolean begun = directory.checkpoints().newest().isPresent();
    if (begun && !resume) {
      throw new IllegalArgumentException(
          "Cannot train: out=%s already holds checkpoints; add --resume to go on, or choose another --out"
              .formatted(out));
    }
    LearnerConfig based = AdapterBase.given(config.task(), base, hadoop);
    LearnerConfig task = based.completed(() -> wordCounts(data, hadoop));
    if (latents.isPresent()) {
      task = task.encoded(latents.get().space());
    }
    TrainConfig completed = config.withTask(task.located(uri -> located(uri, hadoop)));
    Optional<byte[]> earlier = directory.read(RunDirectory.CONFIG);
    if (begun && earlier.isPresent()) {
      TrainConfig before =
          ConfigTree.builder()
              .yaml(RunDirectory.CONFIG, new String(earlier.get(), UTF_8))
              .build()
              .bind(TrainConfig.class);
      List<String> changed = Changes.between(before, completed);
      if (!changed.isEmpty()) {
        throw new IllegalArgumentException(
            "Cannot resume: out=%s was trained with other settings, now %s; use its config.yaml as --recipe, or choose another --out"
                .formatted(out, String.join(", ", changed)));
      }
    }
    return completed;
  }

  /** Executors have working directories of their own, so they are told whole URIs. */
  private static String located(String uri, Configuration hadoop) {
    try {
      Path path = new Path(uri);
      return path.getFileSystem(hadoop).makeQualified(path).toString();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot find file system: uri=" + uri, e);
    }
  }

  /** How often each word occurs in the training captions. */
  static Map<String, Long> wordCounts(Dataset data, Configuration hadoop) {
    Map<String, Long> counts = new HashMap<>();
    for (Shard shard : data.shards(Split.TRAIN)) {
      try (ShardReader reader = shard.open(hadoop)) {
        while (reader.hasNext()) {
          for (String word : CaptionWords.of(reader.next().caption())) {
            counts.merge(word, 1L, Long::sum);
          }
        }
      }
    }
    return counts;
  }

  private static String description(RunDirectory directory, TrainConfig config) {
    return "train %s: %s, %d workers"
        .formatted(directory.root(), config.train().strategy(), config.train().workers());
  }

  private RunSummary runWorkers(
      JavaSparkContext context,
      TrainConfig resolved,
      Configuration hadoop,
      String samples,
      RunDirectory directory,
      RunLock lock)
      throws IOException {
    Broadcast<SerializableConfiguration> conf =
        context.broadcast(new SerializableConfiguration(hadoop));
    RunOptions options =
        new RunOptions(
            samples,
            directory.root().toString(),
            base == null || resolved.task().keepsBase() ? null : located(base, hadoop),
            resume,
            null,
            versions());
    return switch (resolved.train().strategy()) {
      case ALLREDUCE, GRADIENT_SHARING ->
          new BarrierRun(context, resolved, options, directory, conf, lock, log).run();
      case LOCAL_SGD -> {
        RunOptions attempt = options.attempt(lock.newAttempt(), resume);
        yield new LocalSgdRun(context, resolved, attempt, directory, conf).run();
      }
    };
  }

  private static Map<String, String> versions() {
    Map<String, String> versions = new LinkedHashMap<>();
    versions.put(
        "talespark",
        Optional.ofNullable(TrainJob.class.getPackage().getImplementationVersion())
            .orElse("development"));
    versions.put("spark", org.apache.spark.package$.MODULE$.SPARK_VERSION());
    versions.put("java", Runtime.version().toString());
    Optional.ofNullable(System.getProperty("talespark.revision"))
        .ifPresent(revision -> versions.put("revision", revision));
    return versions;
  }
}
