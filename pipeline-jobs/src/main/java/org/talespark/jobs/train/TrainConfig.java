package org.talespark.jobs.train;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.apache.hadoop.conf.Configuration;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.jobs.config.Section;
import org.talespark.jobs.exchange.ExchangeConfig;
import org.talespark.jobs.sharing.SharingConfig;
import org.talespark.zoo.attributes.AttributeLearnerConfig;
import org.talespark.zoo.contrastive.ContrastiveLearnerConfig;
import org.talespark.zoo.diffusion.DiffusionLearnerConfig;
import org.talespark.zoo.fusion.FusionLearnerConfig;
import org.talespark.zoo.language.LanguageLearnerConfig;
import org.talespark.zoo.runtime.Allocator;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.vq.FeatureLearnerConfig;
import org.talespark.zoo.vq.VqLearnerConfig;

/**
 * A whole training run, as {@code config.yaml} holds it.
 *
 * @param exchange settings of the exchange between workers; left out, its defaults
 * @param localSgd settings of the strategy {@code local-sgd}; left out, the paper's
 * @param gradientSharing settings of the strategy {@code gradient-sharing}; left out, its defaults
 * @param task what is trained, and how its losses are made
 */
public record TrainConfig(
    Train train,
    Data data,
    ExchangeConfig exchange,
    LocalSgdConfig localSgd,
    SharingConfig gradientSharing,
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
        @JsonSubTypes({
          @JsonSubTypes.Type(value = VqLearnerConfig.class, name = "vq"),
          @JsonSubTypes.Type(value = FeatureLearnerConfig.class, name = "features"),
          @JsonSubTypes.Type(value = LanguageLearnerConfig.class, name = "language"),
          @JsonSubTypes.Type(value = DiffusionLearnerConfig.class, name = "diffusion"),
          @JsonSubTypes.Type(value = AttributeLearnerConfig.class, name = "attributes"),
          @JsonSubTypes.Type(value = ContrastiveLearnerConfig.class, name = "contrastive"),
          @JsonSubTypes.Type(value = FusionLearnerConfig.class, name = "fusion")
        })
        LearnerConfig task) {
  private static final Section SECTION = new Section("train", "");

  public TrainConfig {
    requireNonNull(train, "train");
    requireNonNull(data, "data");
    requireNonNull(task, "task");
    SECTION.check(
        task.firstStageOfPictures().isEmpty()
            || (!data.flip() && data.augment().equals(Augment.NONE)),
        "data.flip, data.augment",
        "%s, %s".formatted(data.flip(), data.augment()),
        "no variation, since latents are computed once");
    exchange = exchange == null ? ExchangeConfig.defaults() : exchange;
    localSgd = localSgd == null ? LocalSgdConfig.defaults() : localSgd;
    gradientSharing = gradientSharing == null ? SharingConfig.defaults() : gradientSharing;
  }

  /** Sets up the native runtime of an executor, and reads the run's configuration. */
  static TrainConfig onExecutor(String yaml, int threads) {
    NativeRuntime.initialize(NativeRuntime.Settings.threads(threads));
    Allocator.keepFreedMemory();
    return ConfigTree.builder().yaml("the run", yaml).build().bind(TrainConfig.class);
  }

  /** What a learner of this run is made for. */
  LearnerContext learnerContext(Reducer reducer, Configuration hadoop) {
    return new LearnerContext(
        train.batch(),
        data.size(),
        train.seed(),
        train.learningRate(),
        train.precision().type(),
        reducer,
        LearnerFiles.pretrained(hadoop),
        LearnerFiles.files(hadoop));
  }

  /** The same run with another task. */
  TrainConfig withTask(LearnerConfig newTask) {
    return new TrainConfig(train, data, exchange, localSgd, gradientSharing, newTask);
  }

  /** How workers are kept together. */
  public enum Strategy {
    /** Synchronous: every step equals one worker's with the whole batch. */
    @JsonProperty("allreduce")
    ALLREDUCE,
    /** Rounds of local steps, after which the workers' deltas are averaged. */
    @JsonProperty("local-sgd")
    LOCAL_SGD,
    /** Sparse updates over DL4J's parameter server. */
    @JsonProperty("gradient-sharing")
    GRADIENT_SHARING
  }

  /** The type of parameters and arithmetic. */
  public enum Precision {
    FLOAT32(DataType.FLOAT),
    /** For checks: exact comparisons of different numbers of workers. */
    FLOAT64(DataType.DOUBLE);

    private final DataType type;

    Precision(DataType type) {
      this.type = type;
    }

    DataType type() {
      return type;
    }
  }

  /**
   * The loop.
   *
   * @param steps to make, or null when only time ends the run
   * @param minutes of training, or null when only steps end the run; whichever ends first
   * @param batch samples a worker and step
   * @param learningRate the base rate, which the schedule multiplies
   * @param checkpointEvery steps from one evaluation and checkpoint to the next
   * @param keepCheckpoints how many stay, besides the best
   * @param checkEvery steps from one comparison of the replicas to the next; left out, 100
   * @param restarts how often in a row, without a new checkpoint, workers that failed are started
   *     again from the last one; left out, 3
   */
  public record Train(
      Long steps,
      Double minutes,
      int batch,
      int workers,
      long seed,
      Strategy strategy,
      Precision precision,
      double learningRate,
      long checkpointEvery,
      int keepCheckpoints,
      Long checkEvery,
      Integer restarts) {
    private static final long CHECK_EVERY = 100;
    private static final int RESTARTS = 3;

    public Train {
      checkEvery = checkEvery == null ? CHECK_EVERY : checkEvery;
      restarts = restarts == null ? RESTARTS : restarts;
      requireNonNull(strategy, "train.strategy");
      requireNonNull(precision, "train.precision");
      SECTION.check(
          steps != null || minutes != null,
          "train.steps, train.minutes",
          "null",
          "at least one of them");
      SECTION.check(
          steps == null || (steps > 0 && steps < 100_000_000),
          "train.steps",
          steps,
          "1 to 99999999");
      SECTION.check(minutes == null || minutes > 0, "train.minutes", minutes, "more than 0");
      SECTION.check(batch > 0, "train.batch", batch, "at least 1");
      SECTION.check(workers > 0, "train.workers", workers, "at least 1");
      SECTION.check(learningRate > 0, "train.learning_rate", learningRate, "more than 0");
      SECTION.check(checkpointEvery > 0, "train.checkpoint_every", checkpointEvery, "at least 1");
      SECTION.check(keepCheckpoints > 0, "train.keep_checkpoints", keepCheckpoints, "at least 1");
      SECTION.check(checkEvery > 0, "train.check_every", checkEvery, "at least 1");
      SECTION.check(restarts >= 0, "train.restarts", restarts, "at least 0");
    }

    /** Share of the run that is done, at least 1 when it is over. */
    double done(long step, double seconds) {
      double bySteps = steps == null ? 0 : (double) step / steps;
      double byTime = minutes == null ? 0 : seconds / (60 * minutes);
      return Math.max(bySteps, byTime);
    }
  }

  /**
   * The samples.
   *
   * @param size pixels a side
   * @param flip whether half of the training pictures are mirrored
   * @param evaluationSamples held-out samples an evaluation looks at, at most
   * @param shuffleWindow samples that are mixed with each other, by default 32768 (see {@link
   *     SampleOrder}); a smaller dataset is mixed as a whole
   * @param prefetch batches that are made ahead, by default 4
   * @param decodeThreads threads of a worker that make them, by default 1
   * @param timeoutSeconds how long a worker waits for a shard, by default 300
   * @param cache where and how much of the shards is kept on an executor's disk
   * @param augment how training pictures are varied, by default not at all
   */
  public record Data(
      int size,
      boolean flip,
      int evaluationSamples,
      Integer shuffleWindow,
      Integer prefetch,
      Integer decodeThreads,
      Integer timeoutSeconds,
      Cache cache,
      Augment augment) {
    public Data {
      shuffleWindow = orElse(shuffleWindow, 32_768);
      prefetch = orElse(prefetch, 4);
      decodeThreads = orElse(decodeThreads, 1);
      timeoutSeconds = orElse(timeoutSeconds, 300);
      cache = cache == null ? new Cache(null, null) : cache;
      augment = augment == null ? Augment.NONE : augment;
      SECTION.check(size > 0 && size <= 4096, "data.size", size, "1 to 4096");
      SECTION.check(
          evaluationSamples > 0, "data.evaluation_samples", evaluationSamples, "at least 1");
      SECTION.check(
          shuffleWindow > 0 && shuffleWindow <= 1 << 24,
          "data.shuffle_window",
          shuffleWindow,
          "1 to 16777216");
      SECTION.check(prefetch > 0 && prefetch <= 1024, "data.prefetch", prefetch, "1 to 1024");
      SECTION.check(
          decodeThreads > 0 && decodeThreads <= 256,
          "data.decode_threads",
          decodeThreads,
          "1 to 256");
      SECTION.check(timeoutSeconds > 0, "data.timeout_seconds", timeoutSeconds, "at least 1");
    }

    private static Integer orElse(Integer value, int otherwise) {
      return value == null ? Integer.valueOf(otherwise) : value;
    }
  }

  /**
   * Copies of shards on an executor's disk.
   *
   * @param bytes of all copies of an executor together, by default 8 GiB
   * @param directory below which they lie, or null for Spark's local directory; executors of one
   *     machine may name the same
   */
  public record Cache(Long bytes, String directory) {
    public Cache {
      bytes = bytes == null ? Long.valueOf(8L << 30) : bytes;
      SECTION.check(bytes > 0, "data.cache.bytes", bytes, "at least 1");
    }
  }
}
