package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs of the command in processes of their own, of which some are killed. */
@Tag("slow")
@Timeout(180)
class TrainKillTest {
  private static final long MANY = 1_000_000;

  @TempDir private Path folder;
  private Path dataset;
  private Path run;

  @BeforeEach
  void prepare() {
    dataset = Tiny.dataset(folder);
    run = folder.resolve("run");
  }

  private TrainProcess train(long steps, String... more) throws IOException {
    List<String> options = new ArrayList<>(List.of("--set", "train.steps=" + steps));
    options.addAll(List.of(more));
    return new TrainProcess(folder, dataset, run, options);
  }

  /** Waits for a checkpoint and the files that follow it. */
  private void awaitCheckpoint(TrainProcess train) throws Exception {
    train.awaitCommit(1, 90);
    train.await("best.json", 30, () -> Files.exists(run.resolve("best.json")));
  }

  @Test
  void aKilledDriverIsResumedFromTheLastCommittedCheckpoint() throws Exception {
    try (TrainProcess train = train(MANY)) {
      awaitCheckpoint(train);
      assertThat(train.executors()).hasSizeGreaterThanOrEqualTo(2);
      TrainProcess.signal("KILL", train.driver().toHandle());
      train.awaitExit(20);
      train.checkNoProcessIsLeft();
    }
    List<Long> committed = Tiny.committed(run);
    long last = committed.get(committed.size() - 1);
    List<String> rows =
        Files.exists(run.resolve("metrics.jsonl"))
            ? Files.readAllLines(run.resolve("metrics.jsonl"), UTF_8)
            : List.of();
    JsonNode before = Tiny.json(Tiny.checkpoint(run, last).resolve("trainer_state.json"));
    assertThat(before.get("step").asLong()).isEqualTo(last);

    try (TrainProcess resumed = train(last + 20, "--resume")) {
      assertThat(resumed.awaitExit(90)).as(resumed.log()).isZero();
      JsonNode printed = resumed.printed();
      assertThat(printed.get("status").asText()).isEqualTo("done");
      assertThat(printed.get("step").asLong()).isEqualTo(last + 20);
      assertThat(Tiny.json(run.resolve("result.json"))).isEqualTo(printed);
    }
    JsonNode after = Tiny.json(Tiny.checkpoint(run, last + 20).resolve("trainer_state.json"));
    assertThat(after.get("step").asLong()).isEqualTo(last + 20);
    assertThat(after.get("samples").asLong())
        .isEqualTo(before.get("samples").asLong() + 8 * 20)
        .isEqualTo(8 * (last + 20));
    assertThat(after.get("seconds").asDouble()).isGreaterThan(before.get("seconds").asDouble());

    List<JsonNode> metrics = Tiny.metrics(run);
    assertThat(Files.readAllLines(run.resolve("metrics.jsonl"), UTF_8))
        .startsWith(kept(rows, last));
    List<JsonNode> continued =
        metrics.stream().filter(row -> row.get("step").asLong() > last).toList();
    assertThat(continued)
        .extracting(row -> row.get("step").asLong())
        .containsExactly(last + 10, last + 10, last + 20, last + 20);
    assertThat(continued.get(0).get("seconds").asDouble())
        .isGreaterThan(before.get("seconds").asDouble());
    TrainProcess.checkNothingIsOrphaned(run);
  }

  @Test
  void withoutRestartsAKilledExecutorEndsTheRunAndLeavesItsCheckpoints() throws Exception {
    try (TrainProcess train = train(MANY, "--set", "train.restarts=0")) {
      awaitCheckpoint(train);
      List<ProcessHandle> executors = train.executors();
      TrainProcess.signal("KILL", executors.get(executors.size() - 1));
      assertThat(train.awaitExit(90)).as(train.log()).isEqualTo(4);
      JsonNode printed = train.printed();
      assertThat(printed.get("status").asText()).isEqualTo("failed");
      assertThat(printed.get("exit_code").asInt()).isEqualTo(4);
      train.checkNoProcessIsLeft();
    }
    assertThat(Tiny.committed(run)).isNotEmpty();
    assertThat(run.resolve("run.lock")).doesNotExist();
  }

  private static String[] kept(List<String> rows, long last) throws IOException {
    List<String> kept = new ArrayList<>();
    for (String row : rows) {
      if (LearnerFiles.JSON.readTree(row).get("step").asLong() <= last) {
        kept.add(row);
      }
    }
    return kept.toArray(String[]::new);
  }
}
