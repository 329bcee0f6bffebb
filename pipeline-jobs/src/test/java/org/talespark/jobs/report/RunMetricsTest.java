package org.talespark.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.jobs.report.LineChart.Point;

class RunMetricsTest {

  record Row(long step, double trainLoss) {}

  @TempDir Path directory;

  @Test
  void rowsComeBackAsTheyWereAdded() throws IOException {
    Path file = directory.resolve("run/metrics.jsonl");
    try (RunMetrics metrics = RunMetrics.append(file)) {
      metrics.add(new Row(1, 0.5));
      metrics.add(Map.of("step", 2, "note", "a\nb"));
    }
    assertThat(Files.readString(file))
        .hasLineCount(2)
        .startsWith("{\"step\":1,\"train_loss\":0.5}\n");
    assertThat(RunMetrics.read(file)).hasSize(2);
    assertThat(RunMetrics.curve(RunMetrics.read(file), "step", "train_loss"))
        .containsExactly(new Point(1, 0.5));
  }

  @Test
  void aRowIsOnDiskAsSoonAsItIsAdded() throws IOException {
    Path file = directory.resolve("metrics.jsonl");
    try (RunMetrics metrics = RunMetrics.append(file)) {
      metrics.add(new Row(1, 0.5));
      assertThat(RunMetrics.read(file)).hasSize(1);
    }
  }

  @Test
  void aTornLastLineIsPassedOverAndRemovedBeforeMoreIsAdded() throws IOException {
    Path file = directory.resolve("metrics.jsonl");
    try (RunMetrics metrics = RunMetrics.append(file)) {
      metrics.add(new Row(1, 0.5));
    }
    Files.writeString(file, "{\"step\":2,\"tra", StandardOpenOption.APPEND);
    assertThat(RunMetrics.read(file)).hasSize(1);
    try (RunMetrics metrics = RunMetrics.append(file)) {
      metrics.add(new Row(2, 0.25));
    }
    assertThat(RunMetrics.curve(RunMetrics.read(file), "step", "train_loss"))
        .containsExactly(new Point(1, 0.5), new Point(2, 0.25));
  }

  @Test
  void goingOnFromACheckpointDropsWhatWillBeWrittenAgain() throws IOException {
    Path file = directory.resolve("metrics.jsonl");
    try (RunMetrics metrics = RunMetrics.append(file)) {
      for (int step = 1; step <= 5; step++) {
        metrics.add(new Row(step, step));
      }
    }
    try (RunMetrics metrics = RunMetrics.appendAfter(file, 3)) {
      metrics.add(new Row(4, 40));
    }
    assertThat(RunMetrics.curve(RunMetrics.read(file), "step", "train_loss"))
        .extracting(Point::y)
        .containsExactly(1.0, 2.0, 3.0, 40.0);
  }

  @Test
  void aBrokenLineInTheMiddleIsBadInput() throws IOException {
    Path file =
        Files.writeString(directory.resolve("metrics.jsonl"), "{\"step\":1}\nnonsense\n{}\n");
    assertThatThrownBy(() -> RunMetrics.read(file))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("line=2");
  }
}
