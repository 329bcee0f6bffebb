package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.Sha256;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.jobs.config.ConfigTree;

/** Whole runs that train adapters, on a cluster. */
@Timeout(300)
class LoraTrainTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());

  @TempDir private static Path folder;
  private static Path dataset;
  private static Path base;
  private static SparkSession session;

  @TempDir private Path fresh;

  @BeforeAll
  static void prepare() throws IOException {
    dataset = Tiny.dataset(folder);
    base = TrainedModels.clip(folder);
    session = Sessions.open(Tiny.MASTER, "training", Sessions.defaultConfig(Tiny.MASTER));
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static TrainConfig config(String... settings) {
    return Tiny.config(
        Stream.concat(
                Stream.of(
                    Tiny.ADAPTERS,
                    "data.flip=false",
                    "train.steps=4",
                    "train.checkpoint_every=2",
                    "train.keep_checkpoints=9"),
                Stream.of(settings))
            .toArray(String[]::new));
  }

  private static TrainJob.Result train(Path out, Path on, boolean resume, TrainConfig config)
      throws IOException {
    String uri = on == null ? null : Tiny.uri(on);
    return new TrainJob(config, Tiny.uri(dataset), Tiny.uri(out), uri, resume, SILENT).run(session);
  }

  private static Map<String, String> hashes(Path directory) throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        hashes.put(directory.relativize(file).toString(), Sha256.hex(Files.readAllBytes(file)));
      }
    }
    return hashes;
  }

  @Test
  void aResumedRunEqualsOneWithoutABreakAndTheBaseIsLeftAlone() throws IOException {
    Map<String, String> before = hashes(base);
    Path run = fresh.resolve("run");
    train(run, base, false, config());
    assertThat(run.resolve("config.yaml")).content().contains("lora_alpha", "sha256");

    Path stopped = fresh.resolve("stopped");
    Tiny.copy(run, stopped);
    Tiny.delete(Tiny.checkpoint(stopped, 4));
    Files.delete(stopped.resolve("best.json"));
    train(stopped, base, true, config());
    for (String file :
        List.of(
            "adapter_config.json",
            "adapter_model.safetensors",
            "config.json",
            "ema.safetensors",
            "model.safetensors",
            "optimizer.safetensors")) {
      assertThat(Tiny.checkpoint(stopped, 4).resolve(file))
          .hasSameBinaryContentAs(Tiny.checkpoint(run, 4).resolve(file));
    }
    assertThat(hashes(base)).isEqualTo(before);

    // its own configuration names the base
    TrainConfig own =
        ConfigTree.builder().file(run.resolve("config.yaml")).build().bind(TrainConfig.class);
    assertThat(train(run, null, true, own).step()).isEqualTo(4);
    assertThatThrownBy(() -> train(run, null, true, config()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("task.lora needs a base");
    Path other = TrainedModels.adapters(fresh.resolve("other"), base);
    assertThatThrownBy(() -> train(run, other, true, config()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("task.lora.base.checkpoint=");
  }

  @Test
  void twoWorkersMakeTheStepsThatOneMakesWithTheWholeBatch() throws IOException {
    TrainJob.Result two =
        train(fresh.resolve("two"), base, false, config("train.precision=float64"));
    TrainJob.Result one =
        train(
            fresh.resolve("one"),
            base,
            false,
            config("train.precision=float64", "train.workers=1", "train.batch=8"));
    assertThat(two.loss()).isCloseTo(one.loss(), within(1e-12));
    assertThat(two.metrics()).isEqualTo(one.metrics());
  }

  @Test
  void anUnknownTargetIsRefusedWithTheNearestNames() {
    TrainConfig unknown = config("task.lora.target_modules=[q_prj]");
    assertThatThrownBy(() -> train(fresh.resolve("run"), base, false, unknown))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("target_modules has q_prj")
        .hasMessageContaining("did you mean q_proj");
  }
}
