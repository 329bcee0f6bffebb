package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.jobs.cluster.Sessions;

/** Training over DL4J's parameter server between two executors. */
@Tag("slow")
@Timeout(240)
class GradientSharingTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());

  @TempDir private static Path folder;
  private static SparkSession session;
  private static Path dataset;

  @TempDir private Path fresh;

  @BeforeAll
  static void prepare() {
    dataset = Tiny.dataset(folder);
    session = Sessions.open(Tiny.MASTER, "training", Sessions.defaultConfig(Tiny.MASTER));
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private TrainJob.Result train(boolean resume, String... more) throws IOException {
    List<String> settings =
        new ArrayList<>(
            List.of(
                "train.strategy=gradient-sharing",
                "task.model.quantizer.learning=gradient",
                "train.steps=60",
                "train.checkpoint_every=30"));
    settings.addAll(List.of(more));
    return new TrainJob(
            Tiny.config(settings.toArray(String[]::new)),
            Tiny.uri(dataset),
            Tiny.uri(fresh.resolve("run")),
            null,
            resume,
            SILENT)
        .run(session);
  }

  @Test
  void sparseUpdatesTrainAndTheRunGoesOnFromItsCheckpoint() throws IOException {
    TrainJob.Result result = train(false);
    assertThat(result.step()).isEqualTo(60);
    assertThat(Tiny.committed(fresh.resolve("run"))).containsExactly(30L, 60L);
    List<JsonNode> rows =
        Tiny.metrics(fresh.resolve("run")).stream().filter(row -> row.has("loss")).toList();
    double first = rows.get(0).get("loss").asDouble();
    double last = rows.get(rows.size() - 1).get("loss").asDouble();
    assertThat(last).isLessThan(0.8 * first);
    assertThat(result.exchangedBytes()).isPositive();

    TrainJob.Result longer = train(true, "train.steps=70");
    assertThat(longer.step()).isEqualTo(70);
    assertThat(longer.samples()).isEqualTo(560);
  }

  @Test
  void aDiffusionModelIsTrained() throws IOException {
    TrainJob.Result result =
        train(false, Tiny.DIFFUSION, "train.steps=10", "train.checkpoint_every=10");
    assertThat(result.step()).isEqualTo(10);
    assertThat(result.metrics().get("denoising_loss")).isFinite();
  }

  @Test
  void runningStatisticsAreRefusedWithTheReason() {
    assertThatThrownBy(() -> train(false, "task.model.quantizer.learning=ema"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("learning=gradient");
  }
}
