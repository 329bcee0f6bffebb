package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Shows on the driver what rank 0 last wrote of its progress: rate, loss, time left. */
final class ProgressPrinter implements AutoCloseable {
  private static final long EVERY_SECONDS = 5;

  private final RunDirectory directory;
  private final PrintStream log;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "progress");
            thread.setDaemon(true);
            return thread;
          });
  private long lastStep = -1;

  ProgressPrinter(RunDirectory directory, PrintStream log) {
    this.directory = directory;
    this.log = log;
  }

  void start() {
    var unused =
        timer.scheduleWithFixedDelay(this::show, EVERY_SECONDS, EVERY_SECONDS, TimeUnit.SECONDS);
  }

  private void show() {
    Optional<JsonNode> progress = read();
    if (progress.isPresent() && progress.get().path("step").asLong() != lastStep) {
      lastStep = progress.get().path("step").asLong();
      log.println(line(progress.get()));
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
        "step %d  loss %.4f%s  %.1f samples/s  exchange %.0f%%  %d:%02d left",
        progress.path("step").asLong(),
        progress.path("loss").asDouble(),
        metric,
        progress.path("samples_per_second").asDouble(),
        100 * progress.path("exchange_share").asDouble(),
        left / 60,
        left % 60);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
