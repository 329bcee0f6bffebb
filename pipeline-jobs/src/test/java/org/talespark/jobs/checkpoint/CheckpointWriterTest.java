package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.jobs.checkpoint.FaultyFileSystem.Fault;

@Timeout(60)
class CheckpointWriterTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final long MUCH = 64 << 20;

  @TempDir private Path run;
  private FileSystem disk;
  private CheckpointStore store;

  @BeforeEach
  void open() throws IOException {
    disk = FileSystem.getLocal(new Configuration(false)).getRawFileSystem();
    store = store(disk);
  }

  private CheckpointStore store(FileSystem fs) {
    return new CheckpointStore(
        new Storage(fs, new Retries(3, 0)), new org.apache.hadoop.fs.Path(run.toUri()));
  }

  private CheckpointWriter writer(CheckpointStore to) {
    return new CheckpointWriter(to, 2, MINUTE, MUCH);
  }

  private static Map<String, FileBody> bodies(byte[] live) {
    return Map.of("model.safetensors", out -> out.write(live));
  }

  private byte[] stored(long step) throws IOException {
    return Files.readAllBytes(
        run.resolve("checkpoints/step-%08d/model.safetensors".formatted(step)));
  }

  @Test
  void whatTrainingChangesAfterwardsIsNotInTheCheckpoint() throws Exception {
    byte[] weights = new byte[9 << 20];
    CountDownLatch changed = new CountDownLatch(1);
    try (CheckpointWriter writer = writer(store)) {
      for (int step = 1; step <= 3; step++) {
        java.util.Arrays.fill(weights, (byte) step);
        CountDownLatch wait = step == 1 ? changed : new CountDownLatch(0);
        writer.begin(
            step,
            bodies(weights),
            checkpoint -> {
              await(wait);
              return Set.of();
            });
        java.util.Arrays.fill(weights, (byte) 99);
        changed.countDown();
        writer.await();
        assertThat(stored(step)).containsOnly(step);
        assertThat(writer.memoryBytes()).as("used again").isEqualTo(12 << 20);
      }
    }
    assertThat(store.committed()).extracting(Checkpoint::step).containsExactly(2L, 3L);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void theNextOneWaitsAndWhatFollowsComesAfterTheCommitAndBeforePruning() throws Exception {
    List<String> order = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger atOnce = new AtomicInteger();
    try (CheckpointWriter writer = writer(store)) {
      for (long step = 1; step <= 4; step++) {
        long now = step;
        writer.begin(
            step,
            bodies(new byte[] {1}),
            checkpoint -> {
              assertThat(atOnce.incrementAndGet()).isEqualTo(1);
              assertThat(store.intact(now, name -> true)).isPresent();
              assertThat(checkpoint.step()).isEqualTo(now);
              order.add("follow " + now + " " + Thread.currentThread().getName());
              atOnce.decrementAndGet();
              return Set.of(1L);
            });
        order.add("train");
      }
      assertThat(writer.await().orElseThrow().step()).isEqualTo(4);
      writer.check();
    }
    assertThat(order).filteredOn(o -> o.startsWith("follow")).hasSize(4);
    assertThat(order).contains("follow 4 checkpoint-writer");
    assertThat(store.committed()).extracting(Checkpoint::step).containsExactly(1L, 3L, 4L);
  }

  @Test
  void aCheckpointThatIsThereAlreadyStays() throws Exception {
    store.write(5, bodies(new byte[] {5}));
    try (CheckpointWriter writer = writer(store)) {
      writer.begin(5, bodies(new byte[] {6}), checkpoint -> Set.of());
      assertThat(writer.await().orElseThrow().step()).isEqualTo(5);
    }
    assertThat(stored(5)).containsExactly(5);
  }

  @Test
  void aFailureIsTheNextCallsAndStays() throws Exception {
    store.write(1, bodies(new byte[] {1}));
    FaultyFileSystem full = new FaultyFileSystem(disk, Fault.FULL_DISK, 5);
    CheckpointStore onFull = store(full);
    AtomicInteger followed = new AtomicInteger();
    try (CheckpointWriter writer = writer(onFull)) {
      writer.begin(
          2,
          bodies(new byte[100]),
          checkpoint -> {
            followed.incrementAndGet();
            return Set.of();
          });
      Throwable seen = null;
      while (seen == null) {
        seen = catchThrowable(writer::check);
        Thread.sleep(1);
      }
      assertThat(seen)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Cannot commit checkpoint: step=2")
          .hasMessageContaining("No space left on device");
      assertThatThrownBy(writer::await).hasMessageContaining("step=2");
      assertThatThrownBy(() -> writer.begin(3, bodies(new byte[1]), checkpoint -> Set.of()))
          .hasMessageContaining("step=2");
    }
    assertThat(followed).hasValue(0);
    assertThat(run.resolve("checkpoints").toFile().list()).containsExactly("step-00000001");
  }

  @Test
  void aWriterThatWasFencedOffSaysSo() throws Exception {
    Fence closed =
        () -> {
          throw new FencedException("another attempt writes");
        };
    try (CheckpointWriter writer = writer(store.fenced(closed))) {
      writer.begin(1, bodies(new byte[1]), checkpoint -> Set.of());
      assertThatThrownBy(writer::await).isInstanceOf(FencedException.class);
    }
  }

  @Test
  void whatIsTooLargeForACopyIsWrittenBeforeTrainingGoesOn() throws Exception {
    byte[] weights = new byte[5 << 20];
    try (CheckpointWriter writer = new CheckpointWriter(store, 2, MINUTE, 4 << 20)) {
      writer.begin(1, bodies(weights), checkpoint -> Set.of());
      assertThat(store.latestCommitted()).isPresent();
      assertThat(writer.memoryBytes()).isZero();
      writer.begin(2, bodies(new byte[1]), checkpoint -> Set.of());
      assertThat(writer.await().orElseThrow().step()).isEqualTo(2);
    }
    assertThat(stored(1)).hasSize(5 << 20);
  }

  @Test
  void aCommitThatTakesTooLongEndsTheWait() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    try (CheckpointWriter writer = new CheckpointWriter(store, 2, Duration.ofMillis(200), MUCH)) {
      writer.begin(
          1,
          bodies(new byte[1]),
          checkpoint -> {
            await(never); // until it is interrupted
            return Set.of();
          });
      assertThatThrownBy(writer::await).hasMessageContaining("step=1").hasMessageContaining("0 s");
    }
  }

  @Test
  void closingLetsTheCommitUnderWayEndAlsoWhenTheTrainerIsInterrupted() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    AtomicReference<Boolean> stillInterrupted = new AtomicReference<>();
    Thread trainer =
        new Thread(
            () -> {
              try (CheckpointWriter writer = writer(store)) {
                writer.begin(
                    7,
                    Map.of("model.safetensors", out -> out.write("weights".getBytes(UTF_8))),
                    checkpoint -> {
                      started.countDown();
                      await(go);
                      Files.writeString(run.resolve("followed"), "yes");
                      return Set.of();
                    });
                await(started);
                Thread.currentThread().interrupt();
                assertThat(catchThrowable(writer::await)).isInstanceOf(InterruptedException.class);
                Thread.currentThread().interrupt();
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
              stillInterrupted.set(Thread.interrupted());
            });
    trainer.start();
    started.await();
    Thread.sleep(100);
    assertThat(trainer.isAlive()).isTrue();
    go.countDown();
    trainer.join();
    assertThat(stillInterrupted).hasValue(true);
    assertThat(run.resolve("followed")).exists();
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(7);
  }
}
