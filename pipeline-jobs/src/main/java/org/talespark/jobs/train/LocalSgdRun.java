package org.talespark.jobs.train;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.CheckpointStore;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.jobs.metrics.StepTotals;

/**
 * Training in rounds (DiLoCo, arXiv:2311.08105). A round is an ordinary Spark job: each task takes
 * its replica's state, makes the outer step with the mean delta of the round before, then some
 * steps of its own, and keeps the new state as a partition; a second job brings the deltas
 * together.
 *
 * <p>A task that fails is tried again with the partition and the broadcast it began with. A lost
 * executor takes its partitions along; Spark computes them again from the last checkpoint through
 * the rounds since, which give what they gave. States and broadcasts of those rounds are kept for
 * that long.
 */
final class LocalSgdRun {
  private static final long NO_CHECKPOINT = -1;

  private final JavaSparkContext spark;
  private final TrainConfig config;
  private final RunDirectory directory;
  private final RunOptions options;
  private final LocalSgdTask task;
  private final int workers;
  private final List<Broadcast<DeltaMean>> kept = new ArrayList<>();
  private final long started = System.nanoTime();

  private Position begin = Position.START;
  private Position at = Position.START;
  private RunLog log;
  private JavaRDD<ReplicaState> root;
  private JavaRDD<ReplicaState> replicas;
  private Broadcast<DeltaMean> mean;
  private long sentBytes;
  private double stepSeconds;

  LocalSgdRun(
      JavaSparkContext spark,
      TrainConfig config,
      RunOptions options,
      RunDirectory directory,
      Broadcast<SerializableConfiguration> hadoop) {
    this.spark = spark;
    this.config = config;
    this.options = options;
    this.directory = directory;
    this.workers = config.train().workers();
    this.task =
        new LocalSgdTask(UUID.randomUUID().toString(), ConfigTree.toYaml(config), options, hadoop);
  }

  RunSummary run() throws IOException {
    Optional<Checkpoint> from =
        options.resume() ? directory.checkpoints().latestCommitted() : Optional.empty();
    if (from.isPresent()) {
      begin = LearnerFiles.state(from.get()).position();
      at = begin;
    }
    log = new RunLog(directory, config, begin);
    plant(from.map(Checkpoint::step).orElse(NO_CHECKPOINT));
    try {
      loop();
    } finally {
      release();
    }
    closeLearners();
    return log.summary(at, workers, sentBytes);
  }

  private void loop() throws IOException {
    TrainConfig.Train train = config.train();
    double done = train.done(at.step(), at.seconds());
    double pace = train.steps() == null ? 0 : 1.0 / train.steps();
    while (done < 1) {
      Position before = at;
      double loss = round(new Round(at, steps(), done, pace));
      double now = train.done(at.step(), at.seconds());
      pace = (now - done) / (at.step() - before.step());
      done = now;
      double waited = Math.max(0, at.seconds() - begin.seconds() - stepSeconds);
      log.progress(at, done, new StepTotals(at.step(), at.samples(), loss, waited, 0, 0));
      long every = train.checkpointEvery();
      if (done >= 1 || at.step() / every > before.step() / every) {
        checkpoint();
        if (done < 1) {
          plant(at.step());
        }
      }
    }
  }

  private int steps() {
    int steps = config.localSgd().innerSteps();
    Long end = config.train().steps();
    return end == null ? steps : (int) Math.min(steps, end - at.step());
  }

  /** Makes a round; returns its loss. */
  private double round(Round round) throws IOException {
    spark.setJobDescription(
        "steps %d to %d of %d replicas"
            .formatted(at.step() + 1, at.step() + round.steps(), workers));
    LocalSgdTask work = task;
    Broadcast<DeltaMean> last = mean;
    JavaRDD<ReplicaState> next = keep(replicas.map(state -> work.round(state, last, round)));
    List<ReplicaState.Report> reports = next.map(ReplicaState::report).collect();
    Map<String, Double> losses = losses(reports);
    spark.setJobDescription("mean delta of step %d".formatted(at.step() + round.steps()));
    DeltaMean delta =
        DeltaMean.of(
            next,
            workers,
            reports.get(0),
            config.localSgd().wire(),
            config.train().precision() == TrainConfig.Precision.FLOAT32,
            round.steps());
    if (replicas != root) {
      replicas.unpersist(false);
    }
    replicas = next;
    mean = spark.broadcast(delta);
    kept.add(mean);
    sentBytes += DeltaMean.bytes(delta.parts());
    stepSeconds += reports.stream().mapToDouble(ReplicaState.Report::seconds).max().orElseThrow();
    at = at.after(round.steps(), (long) config.train().batch() * workers, seconds());
    log.losses(at, losses);
    return losses.values().iterator().next();
  }

  /** The means over the replicas, in the order of ranks. */
  private Map<String, Double> losses(List<ReplicaState.Report> reports) throws IOException {
    Map<String, Double> means = new LinkedHashMap<>();
    for (ReplicaState.Report report : reports) {
      Map<String, Double> one =
          LearnerFiles.JSON.readValue(
              Answer.check(report.answer()), new TypeReference<LinkedHashMap<String, Double>>() {});
      one.forEach((name, value) -> means.merge(name, value / workers, Double::sum));
    }
    return means;
  }

  /** Merges, evaluates and commits. */
  private void checkpoint() throws IOException {
    spark.setJobDescription("evaluation and checkpoint of step " + at.step());
    LocalSgdTask work = task;
    Broadcast<DeltaMean> last = mean;
    Position position = at;
    JavaRDD<ReplicaState> merged = keep(replicas.map(state -> work.merge(state, last)));
    List<EvaluationPart> parts = new ArrayList<>();
    byte[] pictures = new byte[0];
    for (LocalSgdTask.Evaluated evaluated : merged.map(work::evaluate).collect()) {
      parts.add(evaluated.part());
      pictures = evaluated.pictures().length > 0 ? evaluated.pictures() : pictures;
    }
    log.evaluated(at, EvaluationPart.metrics(config.task(), parts), pictures);
    CheckpointStore store = directory.checkpoints(options.attempt());
    if (store.intact(at.step(), file -> true).isEmpty()) {
      merged
          .coalesce(1)
          .mapPartitions(states -> List.of(work.commit(states, position)).iterator())
          .collect();
    }
    Set<Long> best = log.whenCommitted(at.step()).committed(store.of(at.step()));
    store.prune(config.train().keepCheckpoints(), best);
    merged.unpersist(false);
  }

  /** Begins a new lineage: from a checkpoint, a base or fresh weights. */
  private void plant(long checkpoint) {
    release();
    LocalSgdTask work = task;
    spark.setJobDescription("replicas begin");
    root = keep(spark.parallelize(ranks(), workers).map(rank -> work.begin(rank, checkpoint)));
    replicas = root;
    mean = null;
  }

  private void release() {
    if (root != null) {
      root.unpersist(false);
      replicas.unpersist(false);
    }
    kept.forEach(Broadcast::destroy);
    kept.clear();
  }

  /** So far as the tasks reach all executors; what is left goes when the next run begins there. */
  private void closeLearners() {
    spark.setJobDescription("learners end");
    String run = task.run();
    spark.parallelize(ranks(), workers).foreach(rank -> ReplicaPool.close(run));
  }

  private List<Integer> ranks() {
    return IntStream.range(0, workers).boxed().toList();
  }

  private static JavaRDD<ReplicaState> keep(JavaRDD<ReplicaState> states) {
    return states.persist(StorageLevel.MEMORY_AND_DISK());
  }

  private double seconds() {
    return begin.seconds() + (System.nanoTime() - started) / 1e9;
  }
}
