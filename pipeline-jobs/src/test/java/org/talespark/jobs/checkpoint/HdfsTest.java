package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.talespark.jobs.checkpoint.CommittedOutput.Existing;
import org.talespark.jobs.checkpoint.FaultyFileSystem.Fault;

/** Checkpoints, locks and outputs on HDFS; the last test ends a datanode. */
@Tag("slow")
@Timeout(120)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class HdfsTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Retries QUICK = new Retries(3, 0);

  @TempDir private static java.nio.file.Path folder;
  private static MiniHdfs hdfs;

  private FileSystem fs;
  private Path run;
  private CheckpointStore store;

  @BeforeAll
  static void start() throws IOException {
    hdfs = MiniHdfs.start(folder);
  }

  @AfterAll
  static void stop() {
    hdfs.close();
  }

  @BeforeEach
  void open(TestInfo test) throws IOException {
    fs = hdfs.fileSystem();
    run = new Path(hdfs.uri("/" + test.getTestMethod().orElseThrow().getName()));
    store = new CheckpointStore(fs, run);
  }

  @AfterEach
  void close() throws IOException {
    fs.close();
  }

  private static Map<String, FileBody> bodies(String weights) {
    Map<String, FileBody> files = new LinkedHashMap<>();
    files.put("model.safetensors", out -> out.write(weights.repeat(1000).getBytes(UTF_8)));
    files.put("config.json", out -> out.write("{}".getBytes(UTF_8)));
    return files;
  }

  private void overwrite(Path path, byte[] bytes) throws IOException {
    try (FSDataOutputStream out = fs.create(path, true)) {
      out.write(bytes);
    }
  }

  @Test
  @Order(1)
  void checkpointsAreWrittenPrunedPassedOverAndReplaced() throws IOException {
    for (long step = 1; step <= 4; step++) {
      store.write(step, bodies("weights of " + step));
    }
    store.prune(2, Set.of(1L));
    assertThat(store.committed()).extracting(Checkpoint::step).containsExactly(1L, 3L, 4L);
    Path damaged = new Path(run, "checkpoints/step-00000004");
    for (String name : List.of("model.safetensors", "manifest.json", "COMMITTED")) {
      Path file = new Path(damaged, name);
      byte[] bytes = new Storage(fs).read(file).orElseThrow();
      bytes[bytes.length / 2] ^= 1;
      overwrite(file, bytes);
      assertThat(store.latestCommitted().orElseThrow().step()).as(name).isEqualTo(3);
      store.write(4, bodies("weights of 4"));
      assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(4);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"ONCE", "FOR_GOOD"})
  @Order(2)
  void whicheverCallFailsTheOneBeforeOrTheNewOneCounts(Fault fault) throws IOException {
    boolean reached = true;
    for (int at = 1; reached; at++) {
      Path directory = new Path(run, fault + "-" + at);
      CheckpointStore healthy = new CheckpointStore(fs, directory);
      healthy.write(1, bodies("one"));
      FaultyFileSystem faulty = new FaultyFileSystem(fs, fault, at);
      IOException error = null;
      try {
        new CheckpointStore(new Storage(faulty, QUICK), directory).write(2, bodies("two"));
      } catch (IOException e) {
        error = e;
      }
      reached = faulty.reached();
      long latest = healthy.latestCommitted().orElseThrow().step();
      if (error == null) {
        assertThat(latest).as(faulty.failed()).isEqualTo(2);
      } else {
        assertThat(fault).as(faulty.failed()).isEqualTo(Fault.FOR_GOOD);
        assertThat(latest).isIn(1L, 2L);
      }
      healthy.write(3, bodies("three"));
      healthy.prune(1, Set.of());
      assertThat(fs.listStatus(new Path(directory, "checkpoints"))).hasSize(1);
    }
  }

  @Test
  @Order(3)
  void aLockKeepsTwoRunsApartIsFencedAndLapses() throws IOException {
    Path file = new Path(run, "run.lock");
    try (RunLock lock = RunLock.acquire(fs, run, MINUTE)) {
      Fence first = RunLock.fence(fs, run, lock.newAttempt());
      lock.renew();
      first.check();
      lock.newAttempt();
      assertThatThrownBy(first::check).isInstanceOf(FencedException.class);
      try (FileSystem other = hdfs.fileSystem()) {
        assertThatThrownBy(() -> RunLock.acquire(other, run, MINUTE)).hasMessageContaining("held");
      }
    }
    assertThat(fs.exists(file)).isFalse();
    overwrite(file, "{\"own".getBytes(UTF_8)); // a writer that died
    assertThatThrownBy(() -> RunLock.acquire(fs, run, MINUTE)).hasMessageContaining("just now");
    fs.setTimes(file, System.currentTimeMillis() - 90_000, -1);
    RunLock.acquire(new Storage(fs), run, MINUTE, Clock.systemUTC()).close();
    assertThat(fs.listStatus(run)).isEmpty();
  }

  @Test
  @Order(4)
  void anOutputIsCommittedAndReplaced() throws IOException {
    for (String result : List.of("{\"is\":1}", "{\"is\":2}")) {
      CommittedOutput output =
          CommittedOutput.open(fs, run, "test", List.of("images"), Existing.REPLACE);
      assertThat(CommittedOutput.result(fs, run)).isEmpty();
      assertThat(fs.listStatus(run)).hasSize(1);
      try (OutputStream out = output.create("images/a.png")) {
        out.write(1);
      }
      output.commit(result);
      assertThat(CommittedOutput.result(fs, run)).contains(result);
    }
  }

  @Test
  @Order(5)
  void aDatanodeThatDiesWhileACheckpointIsWrittenIsNotMissed() throws IOException {
    store.write(1, bodies("one"));
    byte[] part = new byte[1 << 20];
    Map<String, FileBody> files = bodies("two");
    files.put(
        "optimizer.safetensors",
        out -> {
          for (int i = 0; i < 8; i++) {
            out.write(part);
            if (i == 4 && hdfs.killed() == 0) {
              hdfs.killDatanode();
            }
          }
        });
    try (RunLock lock = RunLock.acquire(fs, run, MINUTE)) {
      store.write(2, files);
      lock.renew();
      lock.check();
    }
    assertThat(hdfs.killed()).isEqualTo(1);
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(2);
    assertThat(store.intact(1, name -> true)).isPresent();
    store.write(3, bodies("three"));
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(3);
  }
}
