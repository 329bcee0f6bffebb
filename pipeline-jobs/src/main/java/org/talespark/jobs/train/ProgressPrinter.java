package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.BadInputException;
import org.talespark.jobs.metrics.RunTracker;
import org.talespark.jobs.metrics.TrainingGauge;
import org.talespark.jobs.metrics.TrainingSource;

/**
 * Shows on the driver what rank 0 last wrote of its progress: rate, loss, shares of exchange and
 * data, time left; as a line, as gauges, and to a tracker, which gets the rows of {@code
 * metrics.jsonl} too.
 */
final class ProgressPrinter implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ProgressPrinter.class);
  private static final long EVERY_SECONDS = 5;
  private static final List<TrainingGauge> RATES =
      List.of(
          TrainingGauge.SAMPLES_PER_SECOND,
          TrainingGauge.EXCHANGE_SHARE,
          TrainingGauge.DATA_WAIT_SHARE);

  private final RunDirectory directory;
  private final PrintStream log;
  private final TrainingSource gauges;
  private final RunTracker tracker;
  private final MetricsTail rows;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "progress");
            thread.setDaemon(true);
            return thread;
          });
  private long lastStep = -1;

  ProgressPrinter(
      RunDirectory directory, PrintStream log, TrainingSource gauges, RunTracker tracker)
      throws IOException {
    this.directory = directory;
    this.log = log;
    this.gauges = gauges;
    this.tracker = tracker;
    this.rows = new MetricsTail(directory, tracker);
  }

  void start() {
    var unused =
        timer.scheduleWithFixedDelay(this::show, EVERY_SECONDS, EVERY_SECONDS, TimeUnit.SECONDS);
  }

  /** Looks once. */
  void show() {
    Optional<JsonNode> progress = read();
    if (progress.isPresent() && progress.get().path("step").asLong() != lastStep) {
      lastStep = progress.get().path("step").asLong();
      log.println(line(progress.get()));
      publish(progress.get());
    }
    forwardRows();
  }

  private void publish(JsonNode progress) {
    gauges.set(TrainingGauge.STEP, (double) lastStep);
    gauges.set(TrainingGauge.SAMPLES, progress.path("samples").asDouble());
    gauges.set(TrainingGauge.LOSS, progress.path("loss").asDouble());
    gauges.set(TrainingGauge.DONE, progress.path("done").asDouble());
    Map<String, Double> rates = new LinkedHashMap<>();
    for (TrainingGauge gauge : RATES) {
      double value = progress.path(gauge.id()).asDouble();
      gauges.set(gauge, value);
      rates.put(gauge.id(), value);
    }
    rates.put("smoothed_loss", progress.path("loss").asDouble());
    tracker.metrics(lastStep, rates);
  }

  /** Rows that cannot be read now come next time. */
  private void forwardRows() {
    try {
      rows.advance();
    } catch (IOException | BadInputException e) {
      LOG.debug("Rows of metrics are not there yet", e);
    }
  }

  /** The progress, or empty while there is none or it is being written. */
  private Optional<JsonNode> read() {
    try {
      Optional<byte[]> bytes = directory.read(RunDirectory.PROGRESS);
      if (bytes.isEmpty() || bytes.get().length == 0) {
        return Optional.empty();
      }
      return Optional.of(LearnerFiles.JSON.readTree(new String(bytes.get(), UTF_8)));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  static String line(JsonNode progress) {
    double done = progress.path("done").asDouble();
    double seconds = progress.path("seconds").asDouble();
    long left = done <= 0 ? 0 : Math.round(seconds * (1 - done) / done);
    String metric =
        progress.has("metric")
            ? String.format(
                Locale.ROOT,
                "  %s %.2f",
                progress.get("metric").asText(),
                progress.path("value").asDouble())
            : "";
    return String.format(
        Locale.ROOT,
        "step %d  loss %.4f%s  %.1f samples/s  exchange %.0f%%  data %.0f%%  %d:%02d left",
        progress.path("step").asLong(),
        progress.path("loss").asDouble(),
        metric,
        progress.path("samples_per_second").asDouble(),
        100 * progress.path("exchange_share").asDouble(),
        100 * progress.path("data_wait_share").asDouble(),
        left / 60,
        left % 60);
  }

  /** Hands the last rows on. */
  @Override
  public void close() {
    timer.shutdownNow();
    try {
      if (timer.awaitTermination(EVERY_SECONDS, TimeUnit.SECONDS)) {
        forwardRows();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
