package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs whose processes are killed or stopped at random moments end with the bits of a run that was
 * left alone. The moments follow from a seed, which is printed and can be given by {@code
 * -Dtalespark.chaos.seed}.
 */
@Tag("slow")
@Timeout(600)
class TrainChaosTest {
  private static final long STEPS = 90;
  private static final int TIMEOUT_SECONDS = 15;
  private static final Pattern NAMED =
      Pattern.compile(
          "rank \\d waited %d s for rank \\d \\([^)]*127\\.0\\.0\\.1[^)]*:\\d+\\)"
              .formatted(TIMEOUT_SECONDS));

  @TempDir private static Path folder;
  private static Path dataset;
  private static Path undisturbed;
  private static Random random;

  @BeforeAll
  static void runUndisturbed() throws Exception {
    long seed = Long.getLong("talespark.chaos.seed", System.nanoTime());
    System.err.println("talespark.chaos.seed=" + seed);
    random = new Random(seed);
    dataset = Tiny.dataset(folder);
    undisturbed = folder.resolve("undisturbed");
    try (TrainProcess train = start(undisturbed)) {
      assertThat(train.awaitExit(300)).as(train.log()).isZero();
      train.checkNoProcessIsLeft();
    }
    TrainProcess.checkNothingIsOrphaned(undisturbed);
  }

  private static TrainProcess start(Path run, String... more) throws IOException {
    List<String> options =
        new ArrayList<>(
            List.of(
                "--set",
                "train.steps=" + STEPS,
                "--set",
                "train.checkpoint_every=5",
                "--set",
                "train.restarts=3",
                "--set",
                "exchange.timeout_seconds=" + TIMEOUT_SECONDS));
    options.addAll(List.of(more));
    return new TrainProcess(folder, dataset, run, options);
  }

  private static ProcessHandle one(List<ProcessHandle> executors) {
    return executors.get(random.nextInt(executors.size()));
  }

  private static void checkEnd(TrainProcess train) throws Exception {
    assertThat(train.awaitExit(300)).as(train.log()).isZero();
    assertThat(train.printed().get("step").asLong()).isEqualTo(STEPS);
    train.checkNoProcessIsLeft();
    TrainProcess.checkNothingIsOrphaned(train.run());
    TrainProcess.checkSameEnd(train.run(), undisturbed, STEPS);
  }

  @Test
  void executorsKilledAtFiveRandomMomentsChangeNothing() throws Exception {
    try (TrainProcess train = start(folder.resolve("executors-killed"))) {
      for (int kill = 1; kill <= 5; kill++) {
        train.awaitCommit(15L * kill - 10 + random.nextInt(10), 300);
        train.await("two executors", 90, () -> train.executors().size() == 2);
        Thread.sleep(random.nextInt(150));
        TrainProcess.signal("KILL", one(train.executors()));
      }
      checkEnd(train);
    }
  }

  @Test
  void aKilledDriverIsResumed() throws Exception {
    Path run = folder.resolve("driver-killed");
    try (TrainProcess train = start(run)) {
      train.awaitCommit(10L + random.nextInt(50), 300);
      Thread.sleep(random.nextInt(150));
      TrainProcess.signal("KILL", train.driver().toHandle());
      train.awaitExit(10);
      // the next one starts at once, while the executors of the first may still be ending
      try (TrainProcess resumed = start(run, "--resume")) {
        checkEnd(resumed);
      }
      train.checkNoProcessIsLeft();
    }
  }

  @Test
  void aStoppedExecutorIsNamedByTheOthersWithinTheTimeout() throws Exception {
    try (TrainProcess train = start(folder.resolve("executor-stopped"))) {
      train.awaitCommit(10L + random.nextInt(50), 300);
      ProcessHandle stopped = one(train.executors());
      long start = System.nanoTime();
      TrainProcess.signal("STOP", stopped);
      train.await(
          "the name of the stopped executor",
          2 * TIMEOUT_SECONDS,
          () -> NAMED.matcher(train.log()).find());
      double seconds = (System.nanoTime() - start) / 1e9;
      Matcher named = NAMED.matcher(train.log());
      assertThat(named.find()).isTrue();
      System.err.printf("named after %.1f s: %s%n", seconds, named.group());
      assertThat(seconds).isLessThan(TIMEOUT_SECONDS + 5);
      TrainProcess.signal("KILL", stopped);
      checkEnd(train);
    }
  }
}
