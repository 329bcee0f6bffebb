package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.zoo.io.SafetensorsFile;

/** Rounds of local steps on an embedded cluster of two executors. */
@Timeout(240)
class LocalSgdTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());
  private static final List<String> FILES =
      List.of(
          "model.safetensors",
          "ema.safetensors",
          "optimizer.safetensors",
          "optimizer-00001.safetensors",
          "outer.safetensors");

  @TempDir private static Path folder;
  private static SparkSession session;
  private static Path dataset;

  /** 20 steps in rounds of 4, with checkpoints at 12 and 20. */
  private static Path run;

  @TempDir private Path fresh;

  @BeforeAll
  static void train() throws IOException {
    dataset = Tiny.dataset(folder);
    session = Sessions.open(Tiny.MASTER, "training", Sessions.defaultConfig(Tiny.MASTER));
    run = folder.resolve("run");
    train(run, false, rounds());
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static TrainConfig rounds(String... more) {
    List<String> settings =
        new ArrayList<>(
            List.of(
                "train.strategy=local-sgd", "local_sgd.inner_steps=4", "train.checkpoint_every=9"));
    settings.addAll(List.of(more));
    return Tiny.config(settings.toArray(String[]::new));
  }

  private static TrainJob.Result train(Path out, boolean resume, TrainConfig config)
      throws IOException {
    return new TrainJob(config, Tiny.uri(dataset), Tiny.uri(out), null, resume, SILENT)
        .run(session);
  }

  private static void assertSameEnd(Path first, Path second) {
    for (String file : FILES) {
      assertThat(Tiny.checkpoint(second, 20).resolve(file))
          .as(file)
          .hasSameBinaryContentAs(Tiny.checkpoint(first, 20).resolve(file));
    }
  }

  @Test
  void checkpointsComeAtTheEndOfTheRoundThatPassesThem() throws IOException {
    assertThat(Tiny.committed(run)).containsExactly(12L, 20L);
    JsonNode state = Tiny.json(Tiny.checkpoint(run, 20).resolve("trainer_state.json"));
    assertThat(state.get("samples").asLong()).isEqualTo(160);
    assertThat(Tiny.metrics(run))
        .extracting(row -> row.get("step").asLong() + (row.has("validation_psnr") ? " held" : ""))
        .containsExactly("12", "12 held", "20", "20 held");
    assertThat(run.resolve("samples/step-00000020.png")).isNotEmptyFile();
  }

  @Test
  void aResumedRunEqualsOneWithoutABreakToTheBit() throws IOException {
    Path stopped = fresh.resolve("stopped");
    Tiny.copy(run, stopped);
    Tiny.delete(Tiny.checkpoint(stopped, 20));
    Files.delete(stopped.resolve("best.json"));
    train(stopped, true, rounds());
    assertSameEnd(run, stopped);
  }

  @Test
  void tasksThatFailAndStatesThatAreLostAreMadeAgainAsTheyWere() throws IOException {
    Path disturbed = fresh.resolve("disturbed");
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    Thread loser =
        new Thread(
            () -> {
              while (!Thread.currentThread().isInterrupted()) {
                // what an executor takes along when it is lost
                context.getPersistentRDDs().values().forEach(rdd -> rdd.unpersist(false));
                try {
                  Thread.sleep(150);
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              }
            });
    loser.start();
    try {
      train(disturbed, false, rounds());
    } finally {
      loser.interrupt();
    }
    assertSameEnd(run, disturbed);
  }

  @Test
  void oneStepARoundWithPlainAveragingIsWhatAllreduceDoesWithSgd() throws IOException {
    String[] common = {
      "train.precision=float64",
      "task.optimizer={type: sgd, momentum: 0}",
      "task.clip_norm=1e9",
      "task.adversarial=null",
      "task.model.quantizer.learning=gradient",
      "task.ema_decay=0",
      "train.learning_rate=0.05",
      "train.checkpoint_every=20"
    };
    Path together = fresh.resolve("together");
    train(together, false, Tiny.config(common));
    List<String> apart = new ArrayList<>(List.of(common));
    apart.addAll(
        List.of(
            "train.strategy=local-sgd",
            "local_sgd.inner_steps=1",
            "local_sgd.outer_learning_rate=1",
            "local_sgd.outer_momentum=0"));
    Path rounds = fresh.resolve("rounds");
    train(rounds, false, Tiny.config(apart.toArray(String[]::new)));
    try (SafetensorsFile a =
            SafetensorsFile.open(Tiny.checkpoint(together, 20).resolve("model.safetensors"));
        SafetensorsFile b =
            SafetensorsFile.open(Tiny.checkpoint(rounds, 20).resolve("model.safetensors"))) {
      for (String name : a.header().tensors().keySet()) {
        try (INDArray x = a.tensor(name).load();
            INDArray y = b.tensor(name).load()) {
          double difference = x.distance2(y) / Math.max(1e-30, x.norm2Number().doubleValue());
          assertThat(difference).as(name).isLessThan(1e-10);
        }
      }
    }
  }

  @Test
  void aDiffusionModelIsTrainedInRounds() throws IOException {
    Path out = fresh.resolve("diffusion");
    TrainJob.Result result =
        train(out, false, rounds(Tiny.DIFFUSION, "train.steps=4", "local_sgd.inner_steps=2"));
    assertThat(result.step()).isEqualTo(4);
    assertThat(result.metrics().get("denoising_loss")).isFinite();
    JsonNode state = Tiny.json(Tiny.checkpoint(out, 4).resolve("trainer_state.json"));
    assertThat(state.at("/counters/ema").asLong()).isEqualTo(4);
  }

  @Test
  void roundsSendFarLessThanSteps() throws IOException {
    TrainJob.Result steps = train(fresh.resolve("steps"), false, Tiny.config());
    TrainJob.Result rounds =
        train(fresh.resolve("rounds"), false, rounds("local_sgd.inner_steps=20"));
    assertThat(rounds.exchangedBytes()).isPositive().isLessThan(steps.exchangedBytes() / 10);
  }
}
