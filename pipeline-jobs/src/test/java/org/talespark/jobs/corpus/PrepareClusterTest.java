package org.talespark.jobs.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.prepare.PrepareConfig;
import org.talespark.data.prepare.PrepareJob;
import org.talespark.data.scenes.SceneCorpus;
import org.talespark.jobs.cluster.ClusterConfig;
import org.talespark.jobs.cluster.Sessions;

/** The prepare job on executors in processes of their own. */
@Tag("slow")
@Timeout(400)
class PrepareClusterTest {
  private static final int INPUTS = 4;

  private static SparkSession session;

  @TempDir private static Path folder;

  @BeforeAll
  static void start() {
    Map<String, String> settings =
        Map.of(
            "spark.sql.shuffle.partitions", "2",
            "spark.sql.codegen.wholeStage", "false",
            "spark.speculation", "true",
            "spark.speculation.interval", "20ms",
            "spark.speculation.multiplier", "1.01",
            "spark.speculation.quantile", "0.1",
            "spark.speculation.minTaskRuntime", "1ms");
    session =
        Sessions.open(
            "local-cluster[2,1,1024]", "prepare", new ClusterConfig(512, 512, 60, settings));
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  @Test
  void theBytesAreTheSameAfterAKilledExecutorAndWithSpeculation() throws Exception {
    List<String> inputs = new ArrayList<>();
    for (int i = 0; i < INPUTS; i++) {
      Path corpus = folder.resolve("corpus-" + i);
      new SceneCorpus(new SceneCorpus.Config(15, 48, i, corpus)).run();
      inputs.add(corpus.toString());
    }
    PrepareConfig config =
        PrepareConfig.defaults()
            .with(Map.of("size", 32, "shard_samples", 10, "dedup", "near", "shuffle_seed", 1));
    Map<String, String> quiet = run(inputs, "quiet", config, () -> {});
    AtomicBoolean killed = new AtomicBoolean();

    Map<String, String> troubled =
        run(
            inputs,
            "troubled",
            config,
            () -> {
              if (killed.compareAndSet(false, true)) {
                executors().get(0).destroyForcibly();
              }
            });

    assertThat(killed).isTrue();
    assertThat(quiet).hasSizeGreaterThan(8).containsKeys("dataset.json", "index/00000.parquet");
    assertThat(troubled).isEqualTo(quiet);
  }

  /** Runs the job; {@code trouble} comes when the first inputs are examined. */
  private static Map<String, String> run(
      List<String> inputs, String name, PrepareConfig config, Runnable trouble) throws Exception {
    Path out = folder.resolve(name);
    PrepareJob.Result result =
        new PrepareJob(inputs, out.toString(), config)
            .reporting(
                (work, done, total) -> {
                  if (work.equals("examine") && done >= 1) {
                    trouble.run();
                  }
                })
            .run(session);
    assertThat(result.accepted()).isPositive();
    return contents(out);
  }

  private static List<ProcessHandle> executors() {
    return ProcessHandle.current()
        .descendants()
        .filter(
            p ->
                p.info().commandLine().orElse("").contains("CoarseGrainedExecutorBackend")
                    || p.info().command().orElse("").endsWith("java"))
        .toList();
  }

  private static Map<String, String> contents(Path dataset) throws Exception {
    Map<String, String> contents = new TreeMap<>();
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    try (Stream<Path> files = Files.walk(dataset)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(
            dataset.relativize(file).toString(),
            HexFormat.of().formatHex(digest.digest(Files.readAllBytes(file))));
      }
    }
    return contents;
  }
}
