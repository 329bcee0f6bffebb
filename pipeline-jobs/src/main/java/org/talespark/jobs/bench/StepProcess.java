package org.talespark.jobs.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.talespark.zoo.bench.StepBench;
import org.talespark.zoo.bench.StepResult;
import org.talespark.zoo.runtime.NativeRuntime;

/** One measurement in a Java process of its own, with this process's class path and JVM options. */
final class StepProcess {
  static final int WARM_UP = 3;

  private static final long LIMIT_MINUTES = 15;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final StepBench.Settings settings;
  private final List<String> cases;

  StepProcess(StepBench.Settings settings, List<String> cases) {
    this.settings = settings;
    this.cases = List.copyOf(cases);
  }

  /**
   * Measures and returns what the other process found.
   *
   * @throws IOException when the process cannot start, fails, or takes too long
   */
  StepResult measure() throws IOException {
    Path answer = Files.createTempFile("talespark-bench", ".json");
    try {
      Process process =
          new ProcessBuilder(command(answer))
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try {
        if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
          throw new IOException(
              "Cannot time steps: process=%d does not end, expected %d minutes at most; try fewer --rounds"
                  .formatted(process.pid(), LIMIT_MINUTES));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("Cannot time steps: interrupted", e);
      } finally {
        process.destroyForcibly();
      }
      if (process.exitValue() != 0) {
        throw new IOException(
            "Cannot time steps: exit_code=%d, expected 0; its errors are above"
                .formatted(process.exitValue()));
      }
      return JSON.readValue(answer.toFile(), StepResult.class);
    } finally {
      Files.deleteIfExists(answer);
    }
  }

  private List<String> command(Path answer) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> !argument.startsWith("-agent") && !argument.startsWith("-javaagent"))
        .forEach(command::add);
    command.add("-cp");
    command.add(classPath());
    command.add(StepProcess.class.getName());
    command.add(answer.toString());
    command.add(Integer.toString(settings.rounds()));
    command.add(Integer.toString(settings.warmUp()));
    command.add(Integer.toString(settings.threads()));
    command.addAll(cases);
    return command;
  }

  /** The class path, and where spark-submit loaded the program's own classes from. */
  private static String classPath() {
    Set<String> entries = new LinkedHashSet<>();
    entries.add(System.getProperty("java.class.path"));
    Stream.of(StepProcess.class, StepBench.class, ObjectMapper.class)
        .map(type -> type.getProtectionDomain().getCodeSource())
        .forEach(source -> entries.add(location(source)));
    return String.join(File.pathSeparator, entries);
  }

  private static String location(CodeSource source) {
    try {
      return Path.of(source.getLocation().toURI()).toString();
    } catch (URISyntaxException e) {
      throw new IllegalStateException("Cannot locate classes: " + source.getLocation(), e);
    }
  }

  /** The other process: answer file, rounds, warm-up rounds, threads, cases. */
  public static void main(String[] args) throws IOException {
    PrintStream log = new PrintStream(System.err, true, UTF_8);
    int threads = Integer.parseInt(args[3]);
    NativeRuntime.initialize(NativeRuntime.Settings.threads(threads));
    StepResult result =
        StepBench.run(
            new StepBench.Settings(Integer.parseInt(args[1]), Integer.parseInt(args[2]), threads),
            List.of(args).subList(4, args.length),
            log::println);
    JSON.writeValue(Path.of(args[0]).toFile(), result);
  }
}
