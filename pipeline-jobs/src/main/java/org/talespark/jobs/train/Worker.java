package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Grid;
import org.talespark.data.image.Images;
import org.talespark.data.image.Pixels;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.CheckpointStore;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.metrics.StepTotals;
import org.talespark.jobs.metrics.TrainingSource;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.StepResult;

/**
 * One worker of a run: reads its part of each batch, steps its replica, and takes part in
 * evaluations and checks. Rank 0 also writes what the run leaves behind.
 */
final class Worker {
  private static final int LOG_EVERY = 10;
  private static final int SAMPLE_PICTURES = 12;
  private static final double SMOOTHING = 0.95;

  private final TrainConfig config;
  private final RunOptions options;
  private final Configuration hadoop;
  private final Exchange exchange;
  private final ExchangeReducer reducer;
  private final RunDirectory directory;
  private final CheckpointStore checkpoints;
  private final TrainingSource gauges;
  private final INDArray clock = Nd4j.zeros(DataType.DOUBLE, 1);

  private MetricsLog metrics;
  private long step;
  private long samples;
  private long samplesBefore;
  private double secondsBefore;
  private long started;
  private double smoothLoss = Double.NaN;
  private Map<String, Double> lastMetrics = Map.of();
  private double bestValue = Double.NEGATIVE_INFINITY;
  private Optional<Long> bestStep = Optional.empty();

  Worker(TrainConfig config, RunOptions options, Configuration hadoop, Exchange exchange)
      throws IOException {
    this.config = config;
    this.options = options;
    this.hadoop = hadoop;
    this.exchange = exchange;
    this.reducer = new ExchangeReducer(exchange);
    this.directory = new RunDirectory(options.out(), hadoop);
    this.checkpoints = directory.checkpoints();
    this.gauges = TrainingSource.worker(exchange.rank());
  }

  /** Trains to the end; the summary is the same on every worker but for what only rank 0 knows. */
  RunSummary run() throws IOException, InterruptedException {
    Dataset dataset = Dataset.open(options.dataset(), hadoop);
    TrainConfig.Train train = config.train();
    LearnerContext context =
        new LearnerContext(
            train.batch(),
            config.data().size(),
            train.seed(),
            train.learningRate(),
            train.precision().type(),
            reducer,
            LearnerFiles.pretrained(hadoop));
    try (SampleStore training = SampleStore.open(dataset, Split.TRAIN, hadoop, config.data());
        SampleStore heldOut = SampleStore.open(dataset, Split.VALIDATION, hadoop, config.data());
        Learner learner = config.task().create(context);
        BatchLoader loader =
            new BatchLoader(
                training,
                config.data(),
                train.seed(),
                train.batch(),
                exchange.rank(),
                exchange.workers(),
                true);
        gauges) {
      begin(learner);
      loop(learner, loader, heldOut);
    }
    double seconds = seconds();
    return new RunSummary(
        step,
        samples,
        smoothLoss,
        (samples - samplesBefore) / Math.max(1e-9, seconds - secondsBefore),
        lastMetrics,
        bestStep.orElse(step),
        exchange.workers());
  }

  /** Resumes from the checkpoint that rank 0 found, starts from a base, or starts afresh. */
  private void begin(Learner learner) throws IOException {
    String found = "";
    if (exchange.rank() == 0 && options.resume()) {
      found = checkpoints.latestCommitted().map(c -> Long.toString(c.step())).orElse("");
    }
    found = new String(exchange.allGather(found.getBytes(UTF_8)).get(0), UTF_8);
    if (!found.isEmpty()) {
      long wanted = Long.parseLong(found);
      Checkpoint checkpoint =
          checkpoints.committed().stream()
              .filter(c -> c.step() == wanted)
              .findFirst()
              .orElseThrow();
      TrainerState state = LearnerFiles.restore(checkpoint, learner);
      step = state.step();
      samples = state.samples();
      secondsBefore = state.seconds();
    } else if (options.base() != null) {
      Pretrained base = LearnerFiles.pretrained(hadoop).apply(options.base());
      learner.model().forEach((name, array) -> array.assign(base.tensor(name)));
      learner.ema().forEach((name, array) -> array.assign(base.tensor(name)));
      learner.begun();
    }
    samplesBefore = samples;
    if (exchange.rank() == 0) {
      metrics = MetricsLog.after(directory, step);
      bestStep = directory.best();
      bestValue = metrics.best("validation_" + config.task().bestMetric(), true);
    }
    Replicas.check(exchange, learner, step);
    started = System.nanoTime();
  }

  private void loop(Learner learner, BatchLoader loader, SampleStore heldOut)
      throws IOException, InterruptedException {
    long global = (long) config.train().batch() * exchange.workers();
    long lastProgress = 0;
    double done = done();
    while (done < 1) {
      StepResult result = learner.step(loader.at(samples), new Progress(step, done));
      step++;
      samples += global;
      double loss = result.losses().values().iterator().next();
      smoothLoss =
          Double.isNaN(smoothLoss) ? loss : SMOOTHING * smoothLoss + (1 - SMOOTHING) * loss;
      done = done();
      gauges.update(
          new StepTotals(
              step, samples, loss, reducer.seconds(), loader.waitedSeconds(), loader.ready()));
      if (exchange.rank() == 0) {
        if (step % LOG_EVERY == 0) {
          metrics.add(row(result.losses()));
        }
        if (System.nanoTime() - lastProgress > 2_000_000_000L) {
          lastProgress = System.nanoTime();
          progress(loader, done);
        }
      }
      if (step % config.train().checkpointEvery() == 0 || done >= 1) {
        checkpoint(learner, heldOut);
      }
    }
  }

  /** Share of the run that is done, by rank 0's clock on every worker. */
  private double done() {
    if (config.train().minutes() == null) {
      return config.train().done(step, 0);
    }
    clock.putScalar(0, exchange.rank() == 0 ? seconds() : 0);
    exchange.allReduceSum(clock);
    return config.train().done(step, clock.getDouble(0));
  }

  private double seconds() {
    return secondsBefore + (System.nanoTime() - started) / 1e9;
  }

  private ObjectNode row(Map<String, Double> values) {
    ObjectNode row = LearnerFiles.JSON.createObjectNode();
    row.put("step", step).put("samples", samples).put("seconds", seconds());
    values.forEach(row::put);
    return row;
  }

  private void progress(BatchLoader loader, double done) throws IOException {
    double seconds = seconds();
    double rate = (samples - samplesBefore) / Math.max(1e-9, seconds - secondsBefore);
    ObjectNode row = row(Map.of("loss", smoothLoss, "samples_per_second", rate, "done", done));
    row.put("exchange_share", reducer.share(seconds - secondsBefore));
    row.put("data_wait_share", loader.waitedSeconds() / Math.max(1e-9, seconds - secondsBefore));
    if (!lastMetrics.isEmpty()) {
      String name = config.task().bestMetric();
      row.put("metric", name).put("value", lastMetrics.get(name));
    }
    directory.write(RunDirectory.PROGRESS, LearnerFiles.JSON.writeValueAsBytes(row));
  }

  /** Evaluates, checks the replicas and commits a checkpoint. */
  private void checkpoint(Learner learner, SampleStore heldOut)
      throws IOException, InterruptedException {
    Replicas.check(exchange, learner, step);
    lastMetrics = evaluate(learner, heldOut);
    if (exchange.rank() == 0) {
      Map<String, Double> named = new LinkedHashMap<>();
      lastMetrics.forEach((name, value) -> named.put("validation_" + name, value));
      metrics.add(row(named));
      writeSamples(learner, heldOut);
      TrainerState state =
          new TrainerState(
              step,
              samples,
              seconds(),
              config.train().seed(),
              exchange.workers(),
              learner.counters(),
              options.versions());
      if (checkpoints.committed().stream().noneMatch(c -> c.step() == step)) {
        checkpoints.write(
            step, LearnerFiles.of(learner, config.task().modelConfig(config.data().size()), state));
      }
      metrics.save();
      double value = lastMetrics.get(config.task().bestMetric());
      if (value >= bestValue) {
        bestValue = value;
        bestStep = Optional.of(step);
        ObjectNode best = LearnerFiles.JSON.createObjectNode();
        best.put("step", step).put(config.task().bestMetric(), value);
        directory.write(RunDirectory.BEST, LearnerFiles.JSON.writeValueAsBytes(best));
      }
      checkpoints.prune(config.train().keepCheckpoints(), bestStep.map(Set::of).orElse(Set.of()));
    }
    exchange.barrier("checkpoint of step " + step);
  }

  private Map<String, Double> evaluate(Learner learner, SampleStore heldOut)
      throws IOException, InterruptedException {
    int count = (int) Math.min(heldOut.size(), config.data().evaluationSamples());
    Map<String, double[]> sums = new LinkedHashMap<>();
    List<Integer> mine = new ArrayList<>();
    for (int i = exchange.rank(); i < count; i += exchange.workers()) {
      mine.add(i);
    }
    int batch = config.train().batch();
    for (int from = 0; from < mine.size(); from += batch) {
      List<Integer> part = mine.subList(from, Math.min(mine.size(), from + batch));
      Sums.add(sums, learner.evaluate(heldOut.batch(part, true)));
    }
    Map<String, double[]> all = new LinkedHashMap<>();
    for (byte[] bytes : exchange.allGather(LearnerFiles.JSON.writeValueAsBytes(sums))) {
      Sums.add(
          all,
          LearnerFiles.JSON.readValue(
              new String(bytes, UTF_8), new TypeReference<LinkedHashMap<String, double[]>>() {}));
    }
    return config.task().metrics(all);
  }

  private void writeSamples(Learner learner, SampleStore heldOut)
      throws IOException, InterruptedException {
    int count = (int) Math.min(Math.min(SAMPLE_PICTURES, config.train().batch()), heldOut.size());
    List<Integer> first = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      first.add(i);
    }
    List<List<Pixels>> rows = new ArrayList<>();
    for (float[][] row : learner.samples(heldOut.batch(first, true))) {
      List<Pixels> pictures = new ArrayList<>();
      for (float[] picture : row) {
        pictures.add(Images.pixels(picture, config.data().size()));
      }
      rows.add(pictures);
    }
    if (!rows.isEmpty()) {
      directory.write(
          "%s/step-%08d.png".formatted(RunDirectory.SAMPLES, step),
          Images.encodePng(Grid.compose(rows, config.data().size(), 2)));
    }
  }
}
