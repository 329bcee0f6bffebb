package org.talespark.jobs.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLockTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  @TempDir private Path run;
  private FileSystem fs;
  private org.apache.hadoop.fs.Path directory;

  @BeforeEach
  void open() throws IOException {
    fs = FileSystem.getLocal(new Configuration(false));
    directory = new org.apache.hadoop.fs.Path(run.toUri());
  }

  /** The lock of another process, renewed some seconds ago. */
  private void leave(String machine, long pid, long age) throws IOException {
    Instant renewed = Instant.now().minusSeconds(age);
    Path file =
        Files.writeString(
            run.resolve("run.lock"),
            """
            {"owner":"earlier","host":"elsewhere","machine":"%s","pid":%d,"started":1,"heartbeat":%d,"fence":1}"""
                .formatted(machine, pid, renewed.toEpochMilli()));
    Files.setLastModifiedTime(file, FileTime.from(renewed));
  }

  @Test
  void aSecondRunIsRefusedAndToldWhoHoldsTheLock() throws IOException {
    try (RunLock lock = RunLock.acquire(fs, directory, MINUTE)) {
      lock.check();
      assertThatThrownBy(() -> RunLock.acquire(fs, directory, MINUTE))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("process " + ProcessHandle.current().pid())
          .hasMessageContaining("--out");
    }
    assertThat(run.resolve("run.lock")).doesNotExist();
    RunLock.acquire(fs, directory, MINUTE).close();
  }

  @Test
  void aLockOfAnotherMachineIsTakenOverOnlyWhenItHasLapsed() throws IOException {
    leave("another", 1, 30);
    assertThatThrownBy(() -> RunLock.acquire(fs, directory, MINUTE))
        .hasMessageContaining("elsewhere");
    leave("another", 1, 90);
    RunLock.acquire(fs, directory, MINUTE).close();
  }

  @Test
  void aProcessOfThisMachineThatIsGoneHoldsNothing() throws Exception {
    Process gone = new ProcessBuilder("true").start();
    gone.waitFor();
    leave(Lease.thisMachine(), gone.pid(), 0);
    RunLock.acquire(fs, directory, MINUTE).close();
  }

  @Test
  void aLockCutShortInWritingCountsUntilItIsOld() throws IOException {
    Path file = Files.writeString(run.resolve("run.lock"), "{\"own");
    assertThatThrownBy(() -> RunLock.acquire(fs, directory, MINUTE))
        .hasMessageContaining("just now");
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(90)));
    RunLock.acquire(fs, directory, MINUTE).close();
  }

  @Test
  void theHolderRenewsItsLockAndNoticesWhenItIsTakenOver() throws Exception {
    try (RunLock lock = RunLock.acquire(fs, directory, Duration.ofMillis(600))) {
      Thread.sleep(1200);
      lock.check();
      Throwable noticed = null;
      for (int i = 0; i < 20 && noticed == null; i++) {
        leave("another", 1, 0); // as the other run's own renewals do
        Thread.sleep(200);
        noticed = catchThrowable(lock::check);
      }
      assertThat(noticed).hasMessageContaining("elsewhere");
    }
    assertThat(run.resolve("run.lock")).as("the other run's").exists();
  }

  @Test
  void theAgeOfALockIsTheFileSystemsAndNotTheClocksOfMachines() throws IOException {
    leave("another", 1, 0);
    Path file = run.resolve("run.lock");
    Files.writeString(
        file, Files.readString(file).replaceFirst("heartbeat\":\\d+", "heartbeat\":1000"));
    assertThatThrownBy(() -> RunLock.acquire(fs, directory, MINUTE))
        .as("renewed just now by a machine whose clock is far behind")
        .hasMessageContaining("elsewhere");
  }

  @Test
  void aNewAttemptOrAnotherRunFencesOffTheWorkersOfEarlierOnes() throws IOException {
    Fence first;
    Fence second;
    CheckpointStore store = new CheckpointStore(fs, directory);
    try (RunLock lock = RunLock.acquire(fs, directory, MINUTE)) {
      first = RunLock.fence(fs, directory, lock.newAttempt());
      first.check();
      second = RunLock.fence(fs, directory, lock.newAttempt());
      second.check();
      lock.renew();
      second.check();
      assertThatThrownBy(first::check)
          .isInstanceOf(FencedException.class)
          .hasMessageContaining("outlived");
      store.fenced(second).write(1, Map.of("a", out -> out.write(1)));
      assertThatThrownBy(() -> store.fenced(first).write(2, Map.of("a", out -> out.write(1))))
          .isInstanceOf(FencedException.class);
      assertThatThrownBy(() -> store.fenced(first).prune(1, Set.of()))
          .isInstanceOf(FencedException.class);
      assertThat(run.resolve("checkpoints/step-00000002")).doesNotExist();
    }
    assertThatThrownBy(second::check).hasMessageContaining("no run any more");
    try (RunLock other = RunLock.acquire(fs, directory, MINUTE)) {
      other.newAttempt();
      assertThatThrownBy(second::check).isInstanceOf(FencedException.class);
    }
  }

  @Test
  void aWriterFencedOffWhileItWritesCommitsNothingAndTouchesNothing() throws IOException {
    try (RunLock lock = RunLock.acquire(fs, directory, MINUTE)) {
      Fence fence = RunLock.fence(fs, directory, lock.newAttempt());
      CheckpointStore store = new CheckpointStore(fs, directory).fenced(fence);
      assertThatThrownBy(
              () ->
                  store.write(
                      3,
                      Map.of(
                          "a",
                          out -> {
                            out.write(1);
                            lock.newAttempt();
                          })))
          .isInstanceOf(FencedException.class);
      assertThat(run.resolve("checkpoints/step-00000003/COMMITTED")).doesNotExist();
      assertThat(run.resolve("checkpoints/step-00000003/WRITING"))
          .as("may be the successor's by now")
          .exists();
    }
  }

  @Test
  void aLockThatCouldNotBeRenewedCountsNoMore() throws IOException {
    Instant start = Instant.parse("2026-01-01T00:00:00Z");
    Instant[] now = {start};
    Clock clock =
        new Clock() {
          @Override
          public java.time.ZoneId getZone() {
            return ZoneOffset.UTC;
          }

          @Override
          public Clock withZone(java.time.ZoneId zone) {
            return this;
          }

          @Override
          public Instant instant() {
            return now[0];
          }
        };
    try (RunLock lock = RunLock.acquire(new Storage(fs), directory, MINUTE, clock)) {
      now[0] = start.plusSeconds(59);
      lock.check();
      now[0] = start.plusSeconds(61);
      assertThatThrownBy(lock::check).hasMessageContaining("not renewed");
    }
  }
}
