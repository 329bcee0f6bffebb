package org.talespark.jobs.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.aeron.Aeron;
import io.aeron.Publication;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.common.util.SerializationUtils;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.parameterserver.distributed.v2.messages.pairs.handshake.HandshakeRequest;

/** Root and workers over real UDP on loopback. */
class SharedUpdatesTest {
  private static final int LENGTH = 40_000;
  private static final int TIMEOUT = 10;
  private static final Path SHARED = Path.of("/dev/shm");

  @Test
  void workersThatStepTogetherApplyTheSameBitForBit() throws Exception {
    SharingConfig config = Loopback.config(3, TIMEOUT).withMaxUpdatesBehind(0);
    int steps = 12;
    List<String> before = directories();
    try (ParameterServerRoot root = ParameterServerRoot.start(config, Loopback.HOST, 3)) {
      List<SharedUpdates> workers = Loopback.join(config, root, LENGTH, 0, 1, 2);
      assertThat(root.missing()).isEmpty();
      List<INDArray> replicas = train(workers, steps);
      for (SharedUpdates worker : workers) {
        assertThat(worker.bytesSent()).isPositive();
        worker.close();
      }
      assertThat(replicas.get(1)).isEqualTo(replicas.get(0));
      assertThat(replicas.get(2)).isEqualTo(replicas.get(0));
      assertThat(replicas.get(0).getDouble(0))
          .isEqualTo(steps * 3 * 0.5); // 0.5 of each update of 1
      assertThat(replicas.get(0).getDouble(1)).isEqualTo(steps * 0.5 * (1 - 1 + 1));
      assertThat(root.refused()).isZero();
    }
    assertThat(directories()).isEqualTo(before);
    assertThat(threads()).isEmpty();
  }

  @Test
  void workersThatMayRunAheadApplyTheSameAfterDraining() throws Exception {
    SharingConfig config = Loopback.config(2, TIMEOUT).withMaxUpdatesBehind(3);
    try (ParameterServerRoot root = ParameterServerRoot.start(config, Loopback.HOST, 2)) {
      List<SharedUpdates> workers = Loopback.join(config, root, LENGTH, 0, 1);
      List<INDArray> replicas = train(workers, 20);
      workers.forEach(SharedUpdates::close);
      assertThat(replicas.get(1)).isEqualTo(replicas.get(0)); // sums of halves are exact
      assertThat(replicas.get(0).getDouble(0)).isEqualTo(20 * 2 * 0.5);
    }
  }

  @Test
  void aWorkerTooFarAheadWaitsAndNamesTheOneBehind() throws Exception {
    SharingConfig config = Loopback.config(2, 2).withMaxUpdatesBehind(2);
    try (ParameterServerRoot root = ParameterServerRoot.start(config, Loopback.HOST, 2)) {
      List<SharedUpdates> workers = Loopback.join(config, root, 10, 0, 1);
      try (SharedUpdates first = workers.get(0);
          SharedUpdates second = workers.get(1)) {
        assertThat(second.bytesSent()).isPositive();
        first.share(Nd4j.ones(DataType.FLOAT, 10), 0);
        first.share(Nd4j.ones(DataType.FLOAT, 10), 1);
        assertThatExceptionOfType(SharingException.class)
            .isThrownBy(() -> first.share(Nd4j.ones(DataType.FLOAT, 10), 2))
            .withMessageContaining("worker 1 is alive")
            .withMessageContaining("expected step 0")
            .satisfies(e -> assertThat(e.rank()).isEqualTo(1));
      }
    }
  }

  @Test
  void aMissingWorkerIsNamed() throws Exception {
    SharingConfig config = Loopback.config(3, 2);
    try (ParameterServerRoot root = ParameterServerRoot.start(config, Loopback.HOST, 3)) {
      assertThatExceptionOfType(ExecutionException.class)
          .isThrownBy(() -> Loopback.join(config, root, 10, 0, 2))
          .withCauseExactlyInstanceOf(SharingException.class)
          .withMessageContaining("missing worker 1 (UDP port " + (config.port() + 2) + ")")
          .withMessageContaining("all 3 workers within 2 s");
    }
  }

  @Test
  void aRootThatDoesNotAnswerIsNamed() {
    SharingConfig config = Loopback.config(1, 1);
    Rendezvous nowhere = new Rendezvous(Loopback.HOST, config.port(), 1, 1);

    assertThatExceptionOfType(SharingException.class)
        .isThrownBy(() -> SharedUpdates.join(config, nowhere, 0, Loopback.HOST, 10))
        .withMessageContaining("root=127.0.0.1:" + config.port());
    assertThat(threads()).isEmpty();
  }

  @Test
  void whatAKilledProcessHasLeftIsDeleted() throws Exception {
    List<String> before = directories();
    Path shared =
        Files.isDirectory(SHARED) ? SHARED : Path.of(System.getProperty("java.io.tmpdir"));
    Path dead = shared.resolve("talespark-aeron-999999999-" + UUID.randomUUID());
    Path alive =
        shared.resolve(
            "talespark-aeron-%d-%s".formatted(ProcessHandle.current().pid(), UUID.randomUUID()));
    Files.writeString(Files.createDirectory(dead).resolve("log"), "left");
    Files.createDirectory(alive);
    try {
      ParameterServerRoot.start(Loopback.config(1, TIMEOUT), Loopback.HOST, 1).close();
      assertThat(dead).doesNotExist();
      assertThat(alive).exists();
    } finally {
      Files.deleteIfExists(alive);
    }
    assertThat(directories()).isEqualTo(before);
  }

  @Test
  void aTakenPortIsNamed() {
    SharingConfig config = Loopback.config(1, 2);
    try (ParameterServerRoot root = ParameterServerRoot.start(config, Loopback.HOST, 1)) {
      assertThat(root.missing()).containsExactly(0);
      assertThatExceptionOfType(SharingException.class)
          .isThrownBy(() -> ParameterServerRoot.start(config, Loopback.HOST, 1))
          .withMessageContaining("udp=127.0.0.1:" + config.port());
    }
  }

  @Test
  void aLostWorkerIsNamedWithinTheTimeout() throws Exception {
    SharingConfig config = Loopback.config(3, 2).withMaxUpdatesBehind(1000);
    try (ParameterServerRoot root = ParameterServerRoot.start(config, Loopback.HOST, 3)) {
      List<SharedUpdates> workers = Loopback.join(config, root, 10, 0, 1, 2);
      try (SharedUpdates first = workers.get(0);
          SharedUpdates third = workers.get(2)) {
        assertThat(third.threshold()).isEqualTo(0.5);
        workers.get(1).vanish();
        long lost = System.nanoTime();
        assertThatExceptionOfType(SharingException.class)
            .isThrownBy(
                () -> {
                  for (long step = 0; step < 990; step++) {
                    first.share(Nd4j.zeros(DataType.FLOAT, 10), step);
                    Thread.sleep(10);
                  }
                })
            .withMessageContaining("worker 1 (last step -1) has given no sign of life")
            .satisfies(e -> assertThat(e.rank()).isEqualTo(1));
        assertThat(Duration.ofNanos(System.nanoTime() - lost)).isLessThan(Duration.ofSeconds(5));
      }
    }
  }

  @Test
  void aLostRootIsNamed() throws Exception {
    SharingConfig config = Loopback.config(2, 2).withMaxUpdatesBehind(0);
    ParameterServerRoot root = ParameterServerRoot.start(config, Loopback.HOST, 2);
    List<SharedUpdates> workers = Loopback.join(config, root, 10, 0, 1);
    root.vanish();
    try (SharedUpdates first = workers.get(0);
        SharedUpdates second = workers.get(1)) {
      assertThat(second.threshold()).isEqualTo(0.5);
      assertThatExceptionOfType(SharingException.class)
          .isThrownBy(() -> first.share(Nd4j.ones(DataType.FLOAT, 10), 0))
          .withMessageContaining("root")
          .satisfies(e -> assertThat(e.rank()).isEqualTo(SharingException.NOBODY));
    }
  }

  @Test
  void hostileMessagesAreRefusedAndTrainingGoesOn() throws Exception {
    SharingConfig config = Loopback.config(2, TIMEOUT).withMaxUpdatesBehind(0);
    MessageReaderTest.Hostile.READS.set(0);
    HandshakeRequest stranger = new HandshakeRequest();
    stranger.setOriginatorId(GuardedTransport.idOf("203.0.113.7", 4711));
    try (ParameterServerRoot root = ParameterServerRoot.start(config, Loopback.HOST, 2)) {
      List<SharedUpdates> workers = Loopback.join(config, root, LENGTH, 0, 1);
      for (int port : new int[] {config.port(), config.port() + 1, config.port() + 2}) {
        send(
            port,
            List.of(
                new MessageReaderTest.Hostile(),
                new MessageReaderTest.HostileMessage(),
                stranger,
                "nonsense"));
      }
      List<INDArray> replicas = train(workers, 3);
      assertThat(replicas.get(1)).isEqualTo(replicas.get(0));
      assertThat(root.refused()).isEqualTo(4);
      assertThat(MessageReaderTest.Hostile.READS).hasValue(0);
      workers.forEach(SharedUpdates::close);
    }
  }

  @Test
  @Tag("slow")
  void wholeArraysAreSwappedWithinTheLimitOrNotAtAll() throws Exception {
    SharingConfig config = Loopback.config(2, 20);
    try (ParameterServerRoot root = ParameterServerRoot.start(config, Loopback.HOST, 2)) {
      List<Callable<List<Duration>>> calls = new ArrayList<>();
      for (int rank = 0; rank < 2; rank++) {
        int own = rank;
        calls.add(
            () -> {
              try (DenseExchange exchange =
                  DenseExchange.join(config, root.rendezvous(), own, Loopback.HOST)) {
                Duration limit = Duration.ofSeconds(20);
                List<Duration> times = new ArrayList<>();
                times.add(exchange.time(4_000, limit).orElseThrow());
                for (int i = 0; i < 20; i++) { // past many ends of terms, where packets get lost
                  times.add(exchange.time(4_000_000, limit).orElseThrow());
                }
                assertThat(exchange.time(400_000_000, limit)).isEmpty();
                return times;
              }
            });
      }
      List<List<Duration>> times = Loopback.together(calls);
      assertThat(times.get(0)).hasSize(21);
    }
  }

  /** Each worker's parameters after so many steps and draining; worker r counts in every 1 + r. */
  private static List<INDArray> train(List<SharedUpdates> workers, int steps) throws Exception {
    List<Callable<INDArray>> calls = new ArrayList<>();
    for (int rank = 0; rank < workers.size(); rank++) {
      SharedUpdates worker = workers.get(rank);
      INDArray share = Nd4j.ones(DataType.FLOAT, LENGTH).muli(0.001 * (rank + 1));
      share.putScalar(0, 1).putScalar(1, rank == 1 ? -1 : 1);
      calls.add(
          () -> {
            INDArray parameters = Nd4j.zeros(DataType.FLOAT, LENGTH);
            INDArray update = Nd4j.zeros(DataType.FLOAT, LENGTH);
            for (int step = 0; step < steps; step++) {
              update.assign(share);
              worker.share(update, step);
              parameters.addi(update);
            }
            worker.drain(update);
            return parameters.addi(update);
          });
    }
    return Loopback.together(calls);
  }

  private static void send(int port, List<Serializable> messages) throws InterruptedException {
    try (MediaDriver driver =
            MediaDriver.launchEmbedded(
                new MediaDriver.Context()
                    .threadingMode(ThreadingMode.SHARED)
                    .publicationTermBufferLength(1 << 16)
                    .dirDeleteOnShutdown(true));
        Aeron aeron =
            Aeron.connect(new Aeron.Context().aeronDirectoryName(driver.aeronDirectoryName()));
        Publication publication =
            aeron.addPublication(GuardedTransport.idOf(Loopback.HOST, port), 119)) {
      for (Serializable message : messages) {
        UnsafeBuffer bytes = new UnsafeBuffer(SerializationUtils.toByteArray(message));
        while (publication.offer(bytes) < 0) {
          Thread.sleep(5);
        }
      }
      Thread.sleep(200); // on their way
    }
  }

  /** Threads of the parameter server that are still there. */
  private static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("parameter-server") || name.startsWith("MessagesExecutor"))
        .toList();
  }

  /** Directories of Aeron's drivers. */
  private static List<String> directories() throws Exception {
    Path shared = Path.of("/dev/shm");
    Path parent =
        Files.isDirectory(shared) ? shared : Path.of(System.getProperty("java.io.tmpdir"));
    try (Stream<Path> files = Files.list(parent)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("aeron-") || name.startsWith("talespark-aeron-"))
          .sorted()
          .toList();
    }
  }
}
