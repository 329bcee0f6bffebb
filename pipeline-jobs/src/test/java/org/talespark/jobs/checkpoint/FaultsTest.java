package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.talespark.jobs.checkpoint.CommittedOutput.Existing;
import org.talespark.jobs.checkpoint.FaultyFileSystem.Fault;

/**
 * Every file-system call of every operation is made to fail in turn. A passing failure is not
 * noticed; any other one ends the operation with its reason, what was there before is still there
 * and whole, and the next run leaves nothing of it behind.
 */
class FaultsTest {
  private static final Retries QUICK = new Retries(3, 0);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  /** What is done on the faulty file system; knows the directory. */
  private interface Action {
    void run(Storage storage, org.apache.hadoop.fs.Path directory) throws Exception;
  }

  private interface Setup {
    void run(Path directory) throws Exception;
  }

  /** What must hold afterwards; the error is null when the action succeeded. */
  private interface Check {
    void run(Path directory, Throwable error) throws Exception;
  }

  @TempDir private Path folder;
  private FileSystem disk;

  @BeforeEach
  void open() throws IOException {
    disk = FileSystem.getLocal(new Configuration(false)).getRawFileSystem();
  }

  private static org.apache.hadoop.fs.Path hadoop(Path path) {
    return new org.apache.hadoop.fs.Path(path.toUri());
  }

  private Storage healthy() {
    return new Storage(new FaultyFileSystem(disk, Fault.ONCE, Integer.MAX_VALUE), QUICK);
  }

  private CheckpointStore store(Path directory) {
    return new CheckpointStore(healthy(), hadoop(directory));
  }

  /** Lets call after call fail until the action makes fewer calls. */
  private void each(Fault fault, Setup setup, Action action, Check check) throws Exception {
    int at = 0;
    boolean reached = true;
    Path before = Files.createDirectories(folder.resolve("before"));
    setup.run(before);
    while (reached) {
      at++;
      Path directory = folder.resolve(fault + "-" + at);
      copy(before, directory);
      FaultyFileSystem faulty = new FaultyFileSystem(disk, fault, at);
      Throwable error = null;
      try {
        action.run(new Storage(faulty, QUICK), hadoop(directory));
      } catch (IOException | IllegalStateException e) {
        error = e;
      }
      reached = faulty.reached();
      try {
        if (!reached || fault.passing()) {
          assertThat(error).isNull();
        } else if (error != null) {
          assertThat(error).hasStackTraceContaining(reason(fault)).hasMessageContaining("Cannot");
        }
        check.run(directory, error);
      } catch (AssertionError e) {
        throw new AssertionError(
            "%s; the action ended with %s".formatted(faulty.failed(), error), e);
      }
    }
    assertThat(at).as("calls that failed").isGreaterThan(3);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Files.copy(path, to.resolve(from.relativize(path).toString()));
      }
    }
  }

  private static String reason(Fault fault) {
    return fault == Fault.FULL_DISK ? "No space left on device" : "Input/output error";
  }

  private static Map<String, FileBody> bodies(String weights) {
    Map<String, FileBody> files = new LinkedHashMap<>();
    files.put("model.safetensors", out -> out.write(weights.getBytes(UTF_8)));
    files.put("config.json", out -> out.write("{}".getBytes(UTF_8)));
    return files;
  }

  private static String weights(Checkpoint checkpoint) throws IOException {
    try (SeekableByteChannel channel = checkpoint.channel("model.safetensors")) {
      ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
      while (bytes.hasRemaining()) {
        channel.read(bytes);
      }
      return new String(bytes.array(), UTF_8);
    }
  }

  /** All files below a directory, by relative path. */
  private static Set<String> files(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      return new TreeSet<>(
          all.filter(path -> !Files.isDirectory(path) || path.toFile().list().length == 0)
              .map(path -> directory.relativize(path).toString())
              .toList());
    }
  }

  private static String[] checkpointFiles(long... steps) {
    return java.util.Arrays.stream(steps)
        .boxed()
        .flatMap(
            step ->
                Stream.of("COMMITTED", "config.json", "manifest.json", "model.safetensors")
                    .map("checkpoints/step-%08d/".formatted(step)::concat))
        .toArray(String[]::new);
  }

  @ParameterizedTest
  @EnumSource
  void aCheckpointIsCommittedOrTheOneBeforeCounts(Fault fault) throws Exception {
    each(
        fault,
        directory -> store(directory).write(1, bodies("one")),
        (storage, directory) -> new CheckpointStore(storage, directory).write(2, bodies("two")),
        (directory, error) -> {
          Checkpoint latest = store(directory).latestCommitted().orElseThrow();
          if (error == null || latest.step() == 2) {
            assertThat(weights(latest)).isEqualTo("two");
          } else {
            assertThat(latest.step()).isEqualTo(1);
            assertThat(weights(latest)).isEqualTo("one");
          }
          if (error != null && fault == Fault.FULL_DISK) {
            assertThat(files(directory)).containsExactly(checkpointFiles(1));
          }
          if (latest.step() == 1) {
            store(directory).write(2, bodies("two"));
          }
          store(directory).write(3, bodies("three"));
          store(directory).prune(1, Set.of());
          assertThat(files(directory)).containsExactly(checkpointFiles(3));
        });
  }

  @ParameterizedTest
  @EnumSource
  void pruningRemovesOldOnesOrIsTakenUpAgain(Fault fault) throws Exception {
    each(
        fault,
        directory -> {
          for (long step = 1; step <= 3; step++) {
            store(directory).write(step, bodies("weights of " + step));
          }
          Path left = Files.createDirectories(directory.resolve("checkpoints/step-00000000"));
          Files.writeString(left.resolve("WRITING"), "model.safetensors\nconfig.json");
          Files.writeString(left.resolve("model.safetensors"), "half");
        },
        (storage, directory) -> new CheckpointStore(storage, directory).prune(1, Set.of(2L)),
        (directory, error) -> {
          assertThat(weights(store(directory).latestCommitted().orElseThrow()))
              .isEqualTo("weights of 3");
          if (error != null) {
            store(directory).prune(1, Set.of(2L));
          }
          assertThat(files(directory)).containsExactly(checkpointFiles(2, 3));
        });
  }

  @ParameterizedTest
  @EnumSource
  void aReaderGetsTheNewestCheckpointOrTheReasonWhyNot(Fault fault) throws Exception {
    String[] read = new String[1];
    each(
        fault,
        directory -> {
          store(directory).write(1, bodies("one"));
          store(directory).write(2, bodies("two"));
        },
        (storage, directory) -> {
          read[0] = "";
          read[0] =
              weights(new CheckpointStore(storage, directory).latestCommitted().orElseThrow());
        },
        (directory, error) -> {
          assertThat(read[0]).isEqualTo(error == null ? "two" : "");
          assertThat(files(directory)).containsExactly(checkpointFiles(1, 2));
        });
  }

  @ParameterizedTest
  @EnumSource
  void aLockIsHeldAndReleasedOrLapses(Fault fault) throws Exception {
    each(
        fault,
        directory -> {},
        (storage, directory) -> {
          try (RunLock lock = RunLock.acquire(storage, directory, MINUTE, Clock.systemUTC())) {
            lock.check();
            RunLock.fence(storage, directory, lock.newAttempt()).check();
          }
        },
        (directory, error) -> {
          for (String left : files(directory)) {
            if (!left.isEmpty()) { // this process lives, so only age ends what it left
              assertThat(fault).isEqualTo(Fault.FOR_GOOD);
              Files.setLastModifiedTime(
                  directory.resolve(left), FileTime.from(Instant.now().minusSeconds(90)));
            }
          }
          try (RunLock lock =
              RunLock.acquire(healthy(), hadoop(directory), MINUTE, Clock.systemUTC())) {
            lock.check();
            assertThat(files(directory)).containsExactly("run.lock");
          }
          assertThat(files(directory)).containsExactly("");
        });
  }

  @ParameterizedTest
  @EnumSource
  void aLockIsRenewedOrCountsNoMore(Fault fault) throws Exception {
    each(
        fault,
        directory -> {},
        (storage, directory) -> {
          try (RunLock lock = RunLock.acquire(storage, directory, MINUTE, Clock.systemUTC())) {
            lock.renew();
            lock.renew();
            lock.check();
          }
        },
        (directory, error) -> {
          for (String left : files(directory)) {
            Files.deleteIfExists(directory.resolve(left));
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void anOutputIsCommittedAsAWholeOrNotAtAll(Fault fault) throws Exception {
    each(
        fault,
        directory -> output(healthy(), hadoop(directory), "old.txt", "{\"is\":\"old\"}"),
        (storage, directory) -> output(storage, directory, "new.txt", "{\"is\":\"new\"}"),
        (directory, error) -> {
          Optional<String> result = CommittedOutput.result(healthy(), hadoop(directory));
          if (error == null) {
            assertThat(result).contains("{\"is\":\"new\"}");
          }
          if (result.isPresent()) {
            String is = result.get().contains("new") ? "new" : "old";
            assertThat(directory.resolve(is + ".txt")).hasContent(is + ".txt");
          }
          output(healthy(), hadoop(directory), "new.txt", "{\"is\":\"new\"}");
          assertThat(files(directory)).containsExactly("_talespark.json", "new.txt", "result.json");
        });
  }

  private static void output(
      Storage storage, org.apache.hadoop.fs.Path directory, String file, String result)
      throws IOException {
    CommittedOutput output =
        CommittedOutput.open(
            storage, directory, "test", List.of("old.txt", "new.txt"), Existing.REPLACE);
    storage.reading(
        output.path(file),
        () -> { // a job would be run again
          try (OutputStream out = output.create(file)) {
            out.write(file.getBytes(UTF_8));
          }
          return file;
        });
    output.commit(result);
  }

  @ParameterizedTest
  @EnumSource
  void aLastingFileIsTheOldOneOrTheNewOne(Fault fault) throws Exception {
    each(
        fault,
        directory -> files(healthy(), hadoop(directory)).write("best.json", "old".getBytes(UTF_8)),
        (storage, directory) -> files(storage, directory).write("best.json", "new".getBytes(UTF_8)),
        (directory, error) -> {
          RunFiles files = files(healthy(), hadoop(directory));
          String found = new String(files.read("best.json").orElseThrow(), UTF_8);
          assertThat(found).isIn(error == null ? Set.of("new") : Set.of("old", "new"));
          files.write("best.json", "newer".getBytes(UTF_8));
          assertThat(files.read("best.json")).contains("newer".getBytes(UTF_8));
          assertThat(files(directory)).containsExactly("best.json");
        });
  }

  private static RunFiles files(Storage storage, org.apache.hadoop.fs.Path directory) {
    return new RunFiles(storage, directory, Set.of("best.json"));
  }
}
