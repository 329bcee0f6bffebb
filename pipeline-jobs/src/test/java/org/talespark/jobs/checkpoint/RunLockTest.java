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

  private void leave(String host, long pid, long heartbeat) throws IOException {
    Files.writeString(
        run.resolve("run.lock"),
        """
        {"owner":"earlier","host":"%s","pid":%d,"started":1,"heartbeat":%d}"""
            .formatted(host, pid, heartbeat));
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
    leave("elsewhere", 1, System.currentTimeMillis() - 30_000);
    assertThatThrownBy(() -> RunLock.acquire(fs, directory, MINUTE))
        .hasMessageContaining("elsewhere");
    leave("elsewhere", 1, System.currentTimeMillis() - 90_000);
    RunLock.acquire(fs, directory, MINUTE).close();
  }

  @Test
  void aProcessOfThisMachineThatIsGoneHoldsNothing() throws Exception {
    Process gone = new ProcessBuilder("true").start();
    gone.waitFor();
    leave(
        java.net.InetAddress.getLocalHost().getHostName(), gone.pid(), System.currentTimeMillis());
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
        leave("elsewhere", 1, System.currentTimeMillis()); // as the other run's own renewals do
        Thread.sleep(200);
        noticed = catchThrowable(lock::check);
      }
      assertThat(noticed).hasMessageContaining("elsewhere");
    }
    assertThat(run.resolve("run.lock")).as("the other run's").exists();
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
    try (RunLock lock = RunLock.acquire(fs, directory, MINUTE, clock)) {
      now[0] = start.plusSeconds(59);
      lock.check();
      now[0] = start.plusSeconds(61);
      assertThatThrownBy(lock::check).hasMessageContaining("not renewed");
    }
  }
}
