package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.jobs.Talespark;

/** Runs of the command in processes of their own, of which some are killed. */
@Tag("slow")
@Timeout(180)
class TrainKillTest {
  private static final long MANY = 1_000_000;

  @TempDir private Path folder;
  private final List<ProcessHandle> started = new ArrayList<>();
  private Path dataset;
  private Path recipe;
  private Path run;

  @BeforeEach
  void prepare() throws IOException {
    dataset = Tiny.dataset(folder);
    recipe = Files.writeString(folder.resolve("tiny.yaml"), Tiny.RECIPE, UTF_8);
    run = folder.resolve("run");
  }

  @AfterEach
  void endAll() {
    for (ProcessHandle process : started) {
      process.destroyForcibly();
    }
  }

  @Test
  void aKilledDriverIsResumedFromTheLastCommittedCheckpoint() throws Exception {
    Process driver = train(false, MANY);
    waitForCheckpoint(driver);
    List<ProcessHandle> executors = driver.descendants().toList();
    started.addAll(executors);
    assertThat(executors).hasSizeGreaterThanOrEqualTo(2);
    driver.destroyForcibly();
    assertThat(driver.waitFor(20, TimeUnit.SECONDS)).isTrue();
    awaitEnd(executors);

    List<Long> committed = Tiny.committed(run);
    long last = committed.get(committed.size() - 1);
    List<String> rows =
        Files.exists(run.resolve("metrics.jsonl"))
            ? Files.readAllLines(run.resolve("metrics.jsonl"), UTF_8)
            : List.of();
    JsonNode before = Tiny.json(Tiny.checkpoint(run, last).resolve("trainer_state.json"));
    assertThat(before.get("step").asLong()).isEqualTo(last);

    Process resumed = train(true, last + 20);
    assertThat(resumed.waitFor(90, TimeUnit.SECONDS)).as(said()).isTrue();
    assertThat(resumed.exitValue()).as(said()).isZero();

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
    JsonNode printed = LearnerFiles.JSON.readTree(lastLine(folder.resolve("resumed.out")));
    assertThat(printed.get("status").asText()).isEqualTo("done");
    assertThat(printed.get("step").asLong()).isEqualTo(last + 20);
    assertThat(Tiny.json(run.resolve("result.json"))).isEqualTo(printed);
  }

  @Test
  void aKilledExecutorEndsTheRunAndLeavesItsCheckpoints() throws Exception {
    Process driver = train(false, MANY);
    waitForCheckpoint(driver);
    List<ProcessHandle> executors = driver.descendants().filter(ProcessHandle::isAlive).toList();
    started.addAll(executors);
    executors.get(executors.size() - 1).destroyForcibly();
    assertThat(driver.waitFor(90, TimeUnit.SECONDS)).as(said()).isTrue();
    assertThat(driver.exitValue()).as(said()).isEqualTo(4);
    JsonNode printed = LearnerFiles.JSON.readTree(lastLine(folder.resolve("first.out")));
    assertThat(printed.get("status").asText()).isEqualTo("failed");
    assertThat(printed.get("exit_code").asInt()).isEqualTo(4);
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

  private Process train(boolean resume, long steps) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("--add-opens="))
        .forEach(command::add);
    command.addAll(
        List.of(
            "-Xmx600m",
            "-Dorg.bytedeco.javacpp.maxbytes=256m",
            "-cp",
            System.getProperty("java.class.path"),
            Talespark.class.getName(),
            "train",
            "--recipe",
            relative(recipe), // executors have working directories of their own
            "--dataset",
            relative(dataset),
            "--out",
            relative(run),
            "--master",
            Tiny.MASTER,
            "--set",
            "train.steps=" + steps,
            "--json"));
    if (resume) {
      command.add("--resume");
    }
    String name = resume ? "resumed" : "first";
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().put("SPARK_HOME", folder.resolve("spark-home").toString());
    builder.redirectOutput(folder.resolve(name + ".out").toFile());
    builder.redirectError(folder.resolve(name + ".err").toFile());
    Process process = builder.start();
    started.add(process.toHandle());
    return process;
  }

  private String relative(Path path) {
    return folder.relativize(path).toString();
  }

  /** Waits for a checkpoint and the metrics that are saved after it. */
  private void waitForCheckpoint(Process driver) throws IOException, InterruptedException {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
    while (Tiny.committed(run).isEmpty() || !Files.exists(run.resolve("best.json"))) {
      assertThat(driver.isAlive()).as(said()).isTrue();
      assertThat(System.nanoTime()).as(said()).isLessThan(limit);
      Thread.sleep(50);
    }
  }

  /** Executors end when they lose their driver; those that do not in time are made to. */
  private static void awaitEnd(List<ProcessHandle> processes)
      throws InterruptedException, ExecutionException {
    for (ProcessHandle process : processes) {
      try {
        process.onExit().get(15, TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        process.destroyForcibly();
        process.onExit().get();
      }
    }
  }

  private String said() throws IOException {
    StringBuilder text = new StringBuilder();
    for (String name : List.of("first.err", "resumed.err")) {
      Path file = folder.resolve(name);
      text.append(Files.exists(file) ? Files.readString(file, UTF_8) : "");
    }
    return text.toString();
  }

  private static String lastLine(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file, UTF_8);
    return lines.get(lines.size() - 1);
  }
}
