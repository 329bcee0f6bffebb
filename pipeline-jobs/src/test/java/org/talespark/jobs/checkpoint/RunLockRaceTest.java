package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs that start at the same moment on one output. */
@Timeout(120)
class RunLockRaceTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final int RUNS = 4;
  private static final int ROUNDS = 15;

  @TempDir private Path folder;

  /** Lets threads race for one directory after another; how many got each. */
  private static List<Integer> race(FileSystem fs, String below) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(RUNS);
    CyclicBarrier start = new CyclicBarrier(RUNS);
    List<Integer> winners = new ArrayList<>();
    try {
      for (int round = 0; round < ROUNDS; round++) {
        org.apache.hadoop.fs.Path run = new org.apache.hadoop.fs.Path(below, "round-" + round);
        Callable<RunLock> attempt =
            () -> {
              start.await();
              try {
                return RunLock.acquire(new Storage(fs), run, MINUTE, Clock.systemUTC());
              } catch (IllegalStateException e) {
                assertThat(e).hasMessageContaining("Cannot start a run");
                return null;
              }
            };
        List<Future<RunLock>> results = new ArrayList<>();
        for (int i = 0; i < RUNS; i++) {
          results.add(threads.submit(attempt));
        }
        List<RunLock> locks = new ArrayList<>();
        for (Future<RunLock> result : results) {
          RunLock lock = result.get();
          if (lock != null) {
            locks.add(lock);
          }
        }
        winners.add(locks.size());
        locks.forEach(RunLock::check);
        locks.forEach(RunLock::close);
      }
    } finally {
      threads.shutdownNow();
    }
    return winners;
  }

  @Test
  void atMostOneRunGetsALocalDirectory() throws Exception {
    FileSystem fs = FileSystem.getLocal(new Configuration(false));
    List<Integer> winners = race(fs, folder.toUri().toString());
    assertThat(winners).allMatch(count -> count <= 1).contains(1);
  }

  @Test
  void atMostOneRunGetsADirectoryOfAnObjectStore() throws Exception {
    ObjectStore objects = new ObjectStore();
    List<Integer> winners = race(objects, "object:///bucket");
    assertThat(winners).allMatch(count -> count <= 1).contains(1);
    assertThat(objects.lengths()).isEmpty();
  }

  /** Arguments: folder, rounds, milliseconds since 1970 of the first, time between. */
  static final class Contender {
    private Contender() {}

    /** Prints the rounds in which it got the lock, and holds them until it ends. */
    public static void main(String[] args) throws Exception {
      FileSystem fs = FileSystem.getLocal(new Configuration(false));
      Storage storage = new Storage(fs);
      storage.exists(new org.apache.hadoop.fs.Path(args[0])); // classes are loaded
      List<RunLock> held = new ArrayList<>();
      StringBuilder won = new StringBuilder("won");
      for (int round = 0; round < Integer.parseInt(args[1]); round++) {
        long at = Long.parseLong(args[2]) + round * Long.parseLong(args[3]);
        Thread.sleep(Math.max(0, at - System.currentTimeMillis()));
        try {
          held.add(
              RunLock.acquire(
                  fs, new org.apache.hadoop.fs.Path(args[0], "round-" + round), MINUTE));
          won.append(' ').append(round);
        } catch (IllegalStateException e) {
          won.append(" -").append(round);
        }
      }
      System.out.println(won);
      System.out.flush();
      if (System.in.read() < 0) { // until the test closes it
        held.forEach(RunLock::close);
      }
    }
  }

  private Process contender(int rounds, long first) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("--add-opens="))
        .forEach(command::add);
    command.addAll(List.of("-Xmx128m", "-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(
            Contender.class.getName(),
            folder.toString(),
            Integer.toString(rounds),
            Long.toString(first),
            "700"));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
  }

  private static List<String> won(Process process) throws IOException {
    String line = process.inputReader(UTF_8).readLine();
    assertThat(line).startsWith("won");
    return List.of(line.split(" ")).stream().filter(word -> word.matches("\\d+")).toList();
  }

  @Test
  @Tag("slow")
  void ofTwoProcessesThatStartAtOnceAtMostOneProceedsAndAKilledOneHoldsNothing() throws Exception {
    int rounds = 10;
    long first = System.currentTimeMillis() + 4000;
    Process one = contender(rounds, first);
    Process other = contender(rounds, first);
    try {
      List<String> ofOne = won(one);
      List<String> ofOther = won(other);
      assertThat(ofOne).doesNotContainAnyElementsOf(ofOther);
      assertThat(ofOne.size() + ofOther.size()).isPositive();
      FileSystem fs = FileSystem.getLocal(new Configuration(false));
      List<String> held = ofOne.isEmpty() ? ofOther : ofOne;
      Process holder = ofOne.isEmpty() ? other : one;
      org.apache.hadoop.fs.Path run =
          new org.apache.hadoop.fs.Path(folder.toUri().toString(), "round-" + held.get(0));
      assertThatThrownBy(() -> RunLock.acquire(fs, run, MINUTE))
          .hasMessageContaining("process " + holder.pid());
      holder.destroyForcibly();
      assertThat(holder.waitFor(10, TimeUnit.SECONDS)).isTrue();
      RunLock.acquire(fs, run, MINUTE).close();
      assertThat(folder.resolve("round-" + held.get(0))).isEmptyDirectory();
    } finally {
      one.destroyForcibly();
      other.destroyForcibly();
    }
  }
}
