package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.jobs.metrics.RunTracker;
import org.talespark.jobs.metrics.TrainingGauge;
import org.talespark.jobs.metrics.TrainingSource;

class ProgressPrinterTest {
  private final Locale usual = Locale.getDefault();

  @AfterEach
  void restore() {
    Locale.setDefault(usual);
  }

  private static String line(String json) throws IOException {
    JsonNode progress = LearnerFiles.JSON.readTree(json);
    return ProgressPrinter.line(progress);
  }

  @Test
  void aLineSaysStepLossRateSharesOfExchangeAndDataAndTimeLeft() throws IOException {
    assertThat(
            line(
                """
                {"step": 120, "samples": 960, "seconds": 30.0, "loss": 0.123456,
                 "samples_per_second": 31.96, "done": 0.25, "exchange_share": 0.126,
                 "data_wait_share": 0.034}"""))
        .isEqualTo("step 120  loss 0.1235  32.0 samples/s  exchange 13%  data 3%  1:30 left");
  }

  @Test
  void afterAnEvaluationItHasTheMetricInAnyLocale() throws IOException {
    Locale.setDefault(Locale.GERMANY);
    assertThat(
            line(
                """
                {"step": 5, "seconds": 61.0, "loss": 1.5, "samples_per_second": 8, "done": 0.5,
                 "exchange_share": 0, "metric": "psnr", "value": 21.456}"""))
        .isEqualTo(
            "step 5  loss 1.5000  psnr 21.46  8.0 samples/s  exchange 0%  data 0%  1:01 left");
  }

  private static final class Recorder implements RunTracker {
    private final List<String> seen = new CopyOnWriteArrayList<>();

    @Override
    public void metrics(long step, Map<String, Double> values) {
      seen.add(step + " " + new TreeMap<>(values));
    }

    @Override
    public void outcome(Outcome outcome) {}

    @Override
    public void close() {}
  }

  private static void write(RunDirectory directory, String name, String text) throws IOException {
    directory.write(name, text.getBytes(UTF_8));
  }

  @Test
  void progressAndNewRowsReachGaugesAndTracker(@TempDir Path folder) throws Exception {
    RunDirectory directory = new RunDirectory(folder.toUri().toString(), new Configuration());
    write(directory, RunDirectory.METRICS, "{\"step\":10,\"l2\":0.5}\n");
    Recorder tracker = new Recorder();
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    try (TrainingSource gauges = TrainingSource.driver();
        PrintStream log = new PrintStream(said, true, UTF_8);
        ProgressPrinter printer = new ProgressPrinter(directory, log, gauges, tracker)) {
      write(
          directory,
          RunDirectory.PROGRESS,
          "{\"step\":20,\"samples\":160,\"loss\":0.25,\"done\":0.5,\"samples_per_second\":8,\"exchange_share\":0.5,\"data_wait_share\":0.25}");
      write(
          directory,
          RunDirectory.METRICS,
          "{\"step\":10,\"l2\":0.5}\n{\"step\":20,\"l2\":0.25,\"name\":\"x\"}\n");
      printer.show();
      printer.show();
      assertThat(gauges.value(TrainingGauge.STEP)).isEqualTo(20);
      assertThat(gauges.value(TrainingGauge.SAMPLES)).isEqualTo(160);
      assertThat(gauges.value(TrainingGauge.DATA_WAIT_SHARE)).isEqualTo(0.25);
      assertThat(gauges.value(TrainingGauge.DONE)).isEqualTo(0.5);
      write(
          directory,
          RunDirectory.METRICS,
          "{\"step\":10,\"l2\":0.5}\n{\"step\":20,\"l2\":0.25}\n{\"step\":20,\"psnr\":9}\n");
    }
    assertThat(said.toString(UTF_8).lines()).hasSize(1);
    assertThat(tracker.seen)
        .containsExactly(
            "20 {data_wait_share=0.25, exchange_share=0.5, samples_per_second=8.0, smoothed_loss=0.25}",
            "20 {l2=0.25}",
            "20 {psnr=9.0}");
  }

  @Test
  void beforeTheFirstStepNothingIsDividedByZero() throws IOException {
    assertThat(line("{\"step\": 0, \"done\": 0}")).endsWith("0:00 left");
  }
}
