package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.talespark.jobs.Talespark;

/**
 * The command {@code train} in a process of its own, with its executors; all of them are gone after
 * {@link #close}.
 */
final class TrainProcess implements AutoCloseable {
  private final Path run;
  private final Path out;
  private final Path err;
  private final Process driver;
  private final Set<ProcessHandle> seen = new LinkedHashSet<>();

  /**
   * Starts a run.
   *
   * @param folder for its logs, and the embedded cluster's
   * @param run the run directory; its name is the process's too
   * @param options further ones, such as {@code --resume} or {@code --set}
   */
  TrainProcess(Path folder, Path dataset, Path run, List<String> options) throws IOException {
    this.run = run;
    String name = run.getFileName() + (options.contains("--resume") ? "-resumed" : "");
    this.out = folder.resolve(name + ".out");
    this.err = folder.resolve(name + ".err");
    Path recipe = Files.writeString(folder.resolve(name + ".yaml"), Tiny.RECIPE, UTF_8);
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
            folder.relativize(recipe).toString(), // executors have working directories of their own
            "--dataset",
            folder.relativize(dataset).toString(),
            "--out",
            folder.relativize(run).toString(),
            "--master",
            Tiny.MASTER,
            "--json"));
    command.addAll(options);
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().put("SPARK_HOME", folder.resolve("spark-home").toString());
    builder.redirectOutput(out.toFile());
    builder.redirectError(err.toFile());
    this.driver = builder.start();
    seen.add(driver.toHandle());
  }

  Path run() {
    return run;
  }

  Process driver() {
    return driver;
  }

  /** The executors that run now. */
  List<ProcessHandle> executors() {
    List<ProcessHandle> executors =
        driver.descendants().filter(ProcessHandle::isAlive).filter(TrainProcess::isJava).toList();
    seen.addAll(executors);
    return executors;
  }

  private static boolean isJava(ProcessHandle process) {
    return process.info().command().filter(command -> command.endsWith("java")).isPresent();
  }

  /** Waits until something holds, while the driver lives. */
  void await(String what, int seconds, Condition condition) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (!condition.holds()) {
      executors();
      assertThat(driver.isAlive()).as("waiting for %s: %s", what, log()).isTrue();
      assertThat(System.nanoTime()).as("waiting for %s: %s", what, log()).isLessThan(limit);
      Thread.sleep(20);
    }
  }

  /** Something to wait for. */
  interface Condition {
    boolean holds() throws Exception;
  }

  /** Waits for the commit of this step or a later one. */
  void awaitCommit(long step, int seconds) throws Exception {
    await("commit of step " + step, seconds, () -> lastCommit() >= step);
  }

  long lastCommit() throws IOException {
    List<Long> committed = Tiny.committed(run);
    return committed.isEmpty() ? -1 : committed.get(committed.size() - 1);
  }

  /** Waits for the driver's end and returns its exit code. */
  int awaitExit(int seconds) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (driver.isAlive()) {
      executors();
      assertThat(System.nanoTime()).as("waiting for the end: %s", log()).isLessThan(limit);
      Thread.sleep(20);
    }
    return driver.exitValue();
  }

  /** Sends a signal by its name. */
  static void signal(String name, ProcessHandle process) throws Exception {
    Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
    assertThat(kill.waitFor()).as("kill -%s", name).isZero();
  }

  /** What it printed on standard error so far. */
  String log() throws IOException {
    return Files.readString(err, UTF_8);
  }

  /** The result of {@code --json}. */
  JsonNode printed() throws IOException {
    List<String> lines = Files.readAllLines(out, UTF_8);
    return LearnerFiles.JSON.readTree(lines.get(lines.size() - 1));
  }

  /** Executors end when they lose their driver; nothing of this run is alive some seconds later. */
  void checkNoProcessIsLeft() throws Exception {
    for (ProcessHandle process : seen) {
      process.onExit().get(20, TimeUnit.SECONDS);
    }
  }

  /** No lock, no half-written file, no checkpoint that was begun and given up. */
  static void checkNothingIsOrphaned(Path run) throws IOException {
    try (Stream<Path> all = Files.walk(run)) {
      assertThat(all.map(path -> run.relativize(path).toString()))
          .noneMatch(name -> name.startsWith("run.lock"))
          .noneMatch(name -> name.endsWith(".next"))
          .noneMatch(name -> name.endsWith("WRITING"));
    }
    try (Stream<Path> steps = Files.list(run.resolve("checkpoints"))) {
      assertThat(steps).hasSameSizeAs(Tiny.committed(run)).hasSizeLessThanOrEqualTo(3);
    }
  }

  /** Parameters, averages, optimizer and position, bit for bit. */
  static void checkSameEnd(Path run, Path expected, long step) throws IOException {
    for (String file :
        List.of("model.safetensors", "ema.safetensors", "optimizer.safetensors", "config.json")) {
      assertThat(Tiny.checkpoint(run, step).resolve(file))
          .hasSameBinaryContentAs(Tiny.checkpoint(expected, step).resolve(file));
    }
    JsonNode state = Tiny.json(Tiny.checkpoint(run, step).resolve("trainer_state.json"));
    JsonNode other = Tiny.json(Tiny.checkpoint(expected, step).resolve("trainer_state.json"));
    for (String key : List.of("step", "samples", "seed", "workers", "counters")) {
      assertThat(state.get(key)).as(key).isEqualTo(other.get(key));
    }
    List<String> rows = Tiny.metrics(run).stream().map(TrainProcess::withoutTime).toList();
    assertThat(rows).doesNotHaveDuplicates();
    assertThat(Tiny.metrics(expected).stream().map(TrainProcess::withoutTime))
        .as("each row once, as without a break")
        .containsAll(rows);
  }

  private static String withoutTime(JsonNode row) {
    return row.toString().replaceFirst("\"seconds\":[^,]*,", "");
  }

  @Override
  public void close() {
    executors();
    seen.forEach(ProcessHandle::destroyForcibly);
  }
}
