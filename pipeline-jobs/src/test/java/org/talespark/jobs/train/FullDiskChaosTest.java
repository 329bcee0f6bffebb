package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.jobs.checkpoint.FaultyFileSystem;
import org.talespark.jobs.cluster.Sessions;

/** A disk that is full in the middle of a run, on every machine at once. */
@Tag("slow")
@Timeout(180)
class FullDiskChaosTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());
  private static final long STEPS = 150;

  @TempDir private Path folder;

  private static void train(SparkSession session, Path dataset, String out, boolean resume)
      throws Exception {
    TrainConfig config = Tiny.config("train.steps=" + STEPS, "train.restarts=0");
    new TrainJob(config, Tiny.uri(dataset), out, null, resume, SILENT).run(session);
  }

  @Test
  void aFullDiskEndsTheRunWhichGoesOnWhenThereIsSpaceAgain() throws Exception {
    Path dataset = Tiny.dataset(folder);
    Path full = folder.resolve("full");
    Path run = folder.resolve("run");
    Path undisturbed = folder.resolve("undisturbed");
    String out = "faulty:" + run;
    Map<String, String> settings =
        Map.of(
            "spark.hadoop.fs.faulty.impl",
            FaultyFileSystem.class.getName(),
            "spark.hadoop." + FaultyFileSystem.FULL,
            full.toString());
    try (SparkSession session =
        Sessions.open(
            Tiny.MASTER, "full disk", Sessions.defaultConfig(Tiny.MASTER).withSettings(settings))) {
      train(session, dataset, Tiny.uri(undisturbed), false);

      Thread filler =
          new Thread(
              () -> {
                try {
                  while (!Files.exists(run.resolve("best.json"))
                      || Files.exists(run.resolve("best.json.next"))) {
                    Thread.sleep(20);
                  }
                  Files.createFile(full);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      filler.start();
      assertThatThrownBy(() -> train(session, dataset, out, false))
          .isInstanceOf(TrainingFailedException.class)
          .hasMessageContaining("No space left on device");
      filler.join();
      long last = Tiny.committed(run).get(Tiny.committed(run).size() - 1);
      assertThat(last).isBetween(10L, STEPS - 1);
      TrainProcess.checkNothingIsOrphaned(run);

      Files.delete(full);
      train(session, dataset, out, true);
      TrainProcess.checkNothingIsOrphaned(run);
      TrainProcess.checkSameEnd(run, undisturbed, STEPS);
    }
  }
}
