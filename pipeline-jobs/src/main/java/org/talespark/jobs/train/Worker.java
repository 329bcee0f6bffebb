package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.CheckpointStore;
import org.talespark.jobs.checkpoint.CheckpointWriter;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.exchange.LargeGather;
import org.talespark.jobs.metrics.StepTotals;
import org.talespark.jobs.metrics.TrainingSource;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.StepResult;

/**
 * One worker of a barrier stage: reads its part of each batch, steps its replica, and takes part in
 * evaluations and checks. Rank 0 also writes what the run leaves behind.
 */
final class Worker {
  private final TrainConfig config;
  private final RunOptions options;
  private final Configuration hadoop;
  private final Exchange exchange;
  private final Coupling coupling;
  private final RunDirectory directory;
  private final CheckpointStore checkpoints;
  private final TrainingSource gauges;
  private final INDArray clock = Nd4j.zeros(DataType.DOUBLE, 1);

  private Position at = Position.START;
  private double secondsBefore;
  private long started;
  private RunLog log; // rank 0's

  Worker(
      TrainConfig config,
      RunOptions options,
      Configuration hadoop,
      Exchange exchange,
      Coupling coupling)
      throws IOException {
    this.config = config;
    this.options = options;
    this.hadoop = hadoop;
    this.exchange = exchange;
    this.coupling = coupling;
    this.directory = new RunDirectory(options.out(), hadoop);
    this.checkpoints = directory.checkpoints(options.attempt());
    this.gauges = TrainingSource.worker(exchange.rank());
  }

  /** Trains to the end; the summary is of rank 0, and empty (null) elsewhere. */
  RunSummary run() throws IOException, InterruptedException {
    TrainConfig.Train train = config.train();
    try (SampleStore training = SampleStore.open(config, options, Split.TRAIN, hadoop);
        SampleStore heldOut = SampleStore.open(config, options, Split.VALIDATION, hadoop);
        Learner learner = config.task().create(config.learnerContext(coupling.reducer(), hadoop));
        BatchLoader loader =
            new BatchLoader(
                training,
                config.data(),
                train.seed(),
                train.batch(),
                exchange.rank(),
                exchange.workers(),
                config.task().pictures());
        CheckpointWriter writer =
            new CheckpointWriter(
                checkpoints,
                train.keepCheckpoints(),
                Duration.ofSeconds(config.exchange().timeoutSeconds()));
        gauges) {
      begin(learner);
      coupling.begin(learner);
      started = System.nanoTime();
      loop(learner, loader, new Evaluation(config, heldOut), writer);
      writer.await();
      exchange.barrier("end of the run");
    }
    return log == null ? null : log.summary(at, exchange.workers(), coupling.bytesSent());
  }

  /** Resumes from the checkpoint that rank 0 found, starts from a base, or starts afresh. */
  private void begin(Learner learner) throws IOException {
    String found = "";
    if (exchange.rank() == 0 && options.resume()) {
      found = checkpoints.latestCommitted().map(c -> Long.toString(c.step())).orElse("");
    }
    found = new String(exchange.allGather(found.getBytes(UTF_8)).get(0), UTF_8);
    if (!found.isEmpty()) {
      Checkpoint checkpoint = checkpoints.of(Long.parseLong(found));
      at = LearnerFiles.restore(checkpoint, learner).position();
    } else {
      LearnerFiles.begin(learner, options.base(), hadoop);
    }
    secondsBefore = at.seconds();
    if (exchange.rank() == 0) {
      log = new RunLog(directory, config, at);
    }
    Replicas.check(exchange, learner, at.step());
  }

  private void loop(
      Learner learner, BatchLoader loader, Evaluation evaluation, CheckpointWriter writer)
      throws IOException, InterruptedException {
    TrainConfig.Train train = config.train();
    double done = done();
    while (done < 1) {
      StepResult result =
          coupling.step(learner, loader.at(at.samples()), new Progress(at.step(), done));
      at = at.after(1, (long) train.batch() * exchange.workers(), seconds());
      done = done();
      StepTotals totals =
          new StepTotals(
              at.step(),
              at.samples(),
              result.losses().values().iterator().next(),
              coupling.waitedSeconds(),
              loader.waitedSeconds(),
              loader.ready());
      gauges.update(totals);
      if (log != null) {
        log.losses(at, result.losses());
        log.progress(at, done, totals);
        writer.check();
      }
      boolean checkpoint = at.step() % train.checkpointEvery() == 0 || done >= 1;
      if (checkpoint) {
        coupling.settle(learner);
      }
      if (coupling.exact() && (checkpoint || at.step() % train.checkEvery() == 0)) {
        Replicas.check(exchange, learner, at.step());
      }
      if (checkpoint) {
        checkpoint(learner, evaluation, writer);
      }
    }
  }

  /** Share of the run that is done, by rank 0's clock on every worker. */
  private double done() {
    if (config.train().minutes() == null) {
      return config.train().done(at.step(), 0);
    }
    clock.putScalar(0, exchange.rank() == 0 ? seconds() : 0);
    exchange.allReduceSum(clock);
    return config.train().done(at.step(), clock.getDouble(0));
  }

  private double seconds() {
    return secondsBefore + (System.nanoTime() - started) / 1e9;
  }

  /** Evaluates, and begins to write a checkpoint. */
  private void checkpoint(Learner learner, Evaluation evaluation, CheckpointWriter writer)
      throws IOException, InterruptedException {
    Map<String, Double> metrics =
        metrics(evaluation.part(learner, exchange.rank(), exchange.workers()));
    if (log != null) {
      log.evaluated(at, metrics, evaluation.pictures(learner));
      TrainerState state = TrainerState.of(at, config, learner.counters(), options.versions());
      writer.begin(
          at.step(), LearnerFiles.of(learner, config, state), log.whenCommitted(at.step()));
    }
  }

  private Map<String, Double> metrics(EvaluationPart mine) throws IOException {
    List<EvaluationPart> all = new ArrayList<>();
    for (byte[] bytes : LargeGather.of(exchange, LearnerFiles.JSON.writeValueAsBytes(mine))) {
      all.add(LearnerFiles.JSON.readValue(bytes, EvaluationPart.class));
    }
    return EvaluationPart.metrics(config.task(), all);
  }
}
