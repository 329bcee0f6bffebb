package org.talespark.jobs.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.talespark.jobs.checkpoint.BestCheckpoint;
import org.talespark.jobs.checkpoint.CheckpointWriter;
import org.talespark.jobs.metrics.StepTotals;
import org.talespark.zoo.train.LearnerConfig;

/**
 * What a run leaves for people beside its checkpoints: metrics, progress, the best step. Kept in
 * one place of a run, by the worker of rank 0 or by the driver.
 */
final class RunLog {
  private static final int LOG_EVERY = 10;
  private static final long PROGRESS_NANOS = 2_000_000_000L;
  private static final double SMOOTHING = 0.95;

  private final RunDirectory directory;
  private final LearnerConfig task;
  private final Position begin;
  private final MetricsLog metrics;
  private final BestCheckpoint best;
  private double smoothLoss = Double.NaN;
  private Map<String, Double> evaluated = Map.of();
  private long lastRow;
  private long lastProgress;

  /** Goes on from a position: what was written about later steps is dropped. */
  RunLog(RunDirectory directory, TrainConfig config, Position begin) throws IOException {
    this.directory = directory;
    this.task = config.task();
    this.begin = begin;
    this.lastRow = begin.step() / LOG_EVERY;
    this.metrics = MetricsLog.after(directory, begin.step());
    this.best =
        BestCheckpoint.resume(
            directory.checkpoints(),
            directory.files(),
            task.bestMetric(),
            task.higherIsBetter(),
            begin.step(),
            metrics.values("validation_" + task.bestMetric()));
  }

  /** Takes the losses of a step, or their means over some steps. */
  void losses(Position at, Map<String, Double> losses) {
    double loss = losses.values().iterator().next();
    smoothLoss = Double.isNaN(smoothLoss) ? loss : SMOOTHING * smoothLoss + (1 - SMOOTHING) * loss;
    if (at.step() / LOG_EVERY > lastRow) {
      lastRow = at.step() / LOG_EVERY;
      metrics.add(row(at, losses));
    }
  }

  /** Shows where the run is, when some time has passed since the last time. */
  void progress(Position at, double done, StepTotals totals) throws IOException {
    if (System.nanoTime() - lastProgress < PROGRESS_NANOS) {
      return;
    }
    lastProgress = System.nanoTime();
    ObjectNode row =
        row(at, Map.of("loss", smoothLoss, "samples_per_second", rate(at), "done", done));
    double seconds = Math.max(1e-9, at.seconds() - begin.seconds());
    row.put("exchange_share", totals.exchangeSeconds() / seconds);
    row.put("data_wait_share", totals.dataWaitSeconds() / seconds);
    if (!evaluated.isEmpty()) {
      row.put("metric", task.bestMetric()).put("value", evaluated.get(task.bestMetric()));
    }
    directory.write(RunDirectory.PROGRESS, LearnerFiles.JSON.writeValueAsBytes(row));
  }

  /** Takes the metrics of an evaluation, and the sample pictures that were made with it. */
  void evaluated(Position at, Map<String, Double> values, byte[] pictures) throws IOException {
    evaluated = values;
    Map<String, Double> named = new LinkedHashMap<>();
    values.forEach((name, value) -> named.put("validation_" + name, value));
    metrics.add(row(at, named));
    if (pictures.length > 0) {
      directory.write("%s/step-%08d.png".formatted(RunDirectory.SAMPLES, at.step()), pictures);
    }
  }

  /** What is to be written once the checkpoint of this step, just evaluated, is committed. */
  CheckpointWriter.FollowUp whenCommitted(long step) throws IOException {
    byte[] rows = metrics.bytes();
    double value = evaluated.get(task.bestMetric());
    return checkpoint -> {
      directory.write(RunDirectory.METRICS, rows);
      best.committed(step, value);
      return best.step().map(Set::of).orElse(Set.of());
    };
  }

  /** How the run ended. */
  RunSummary summary(Position at, int workers, long exchangedBytes) {
    return new RunSummary(
        at.step(),
        at.samples(),
        smoothLoss,
        rate(at),
        evaluated,
        best.step().orElse(at.step()),
        workers,
        exchangedBytes);
  }

  private double rate(Position at) {
    return (at.samples() - begin.samples()) / Math.max(1e-9, at.seconds() - begin.seconds());
  }

  private static ObjectNode row(Position at, Map<String, Double> values) {
    ObjectNode row = LearnerFiles.JSON.createObjectNode();
    row.put("step", at.step()).put("samples", at.samples()).put("seconds", at.seconds());
    values.forEach(row::put);
    return row;
  }
}
