package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

@Timeout(60)
class ExchangeFailureTest {
  private static final ExchangeConfig PATIENT = ExchangeConfig.defaults().withTimeoutSeconds(30);
  private static final ExchangeConfig HASTY = ExchangeConfig.defaults().withTimeoutSeconds(1);
  private static final Duration QUICKLY = Duration.ofSeconds(5);

  private static INDArray large() {
    return Nd4j.zeros(DataType.FLOAT, 300_000);
  }

  private static ExchangeException failure(RingExchange exchange, INDArray array) {
    return catchThrowableOfType(ExchangeException.class, () -> exchange.allReduceSum(array));
  }

  @Test
  void aWaitWithoutMovementEndsWithRankAndStep() throws Exception {
    try (Loopback loopback = Loopback.of(2, HASTY)) {
      ExchangeException e = failure(loopback.worker(0), large());
      assertThat(e)
          .hasMessageContaining("all-reduce of 300000 FLOAT")
          .hasMessageContaining("waited 1 s for rank 1")
          .hasMessageContaining("step 0 of 2, chunk 0 of 2");
      assertThat(e.rank()).isEqualTo(1);
      assertThat(e.afterGoodbye()).isFalse();
      assertThatThrownBy(() -> loopback.worker(0).barrier("later"))
          .isInstanceOf(ExchangeException.class)
          .hasMessage(e.getMessage());
      ExchangeException told = failure(loopback.worker(1), large());
      assertThat(told)
          .as("the slow worker learns why")
          .hasMessageContaining("waited 1 s for rank 1");
      assertThat(told.afterGoodbye()).isTrue();
    }
  }

  @Test
  void smallSumsGathersAndBarriersEndTheSameWay() throws Exception {
    try (Loopback loopback = Loopback.of(3, HASTY)) {
      Future<Integer> other =
          loopback.start(1, exchange -> failure(exchange, Nd4j.zeros(3)).rank());
      ExchangeException e = failure(loopback.worker(0), Nd4j.zeros(3));
      assertThat(e).hasMessageContaining("for rank 2");
      assertThat(other.get(10, TimeUnit.SECONDS)).isEqualTo(2);
    }
    try (Loopback loopback = Loopback.of(2, HASTY)) {
      assertThatThrownBy(() -> loopback.worker(0).barrier("epoch 3"))
          .hasMessageContaining("barrier 'epoch 3'")
          .hasMessageContaining("rank 1");
    }
  }

  @Test
  void aDeadWorkerEndsTheWaitsOfAllOthersQuicklyWithItsRank() throws Exception {
    try (Loopback loopback = Loopback.of(3, PATIENT)) {
      List<Future<ExchangeException>> waiting =
          List.of(
              loopback.start(0, exchange -> failure(exchange, large())),
              loopback.start(1, exchange -> failure(exchange, large())));
      Thread.sleep(300);
      Instant start = Instant.now();
      boolean seen = false;
      loopback.kill(2);
      for (Future<ExchangeException> one : waiting) {
        ExchangeException e = one.get(20, TimeUnit.SECONDS);
        assertThat(e.rank()).isEqualTo(2);
        assertThat(e).hasMessageContaining("rank 2");
        seen |= !e.afterGoodbye();
      }
      assertThat(seen).as("somebody does not have it from another").isTrue();
      assertThat(Duration.between(start, Instant.now())).isLessThan(QUICKLY);
    }
  }

  @Test
  void aWorkerThatLeavesInOrderIsMissedOnlyByTheNextOperation() throws Exception {
    try (Loopback loopback = Loopback.of(3, PATIENT)) {
      loopback.all(
          exchange -> {
            exchange.allReduceSum(large());
            if (exchange.rank() == 1) {
              exchange.close();
              exchange.close();
            }
            return 0;
          });
      ExchangeException e = failure(loopback.worker(0), large());
      assertThat(e.rank()).isEqualTo(1);
      assertThat(e).hasMessageContaining("rank 1").hasMessageContaining("left");
      assertThat(e.afterGoodbye()).isTrue();
      assertThatThrownBy(() -> loopback.worker(1).barrier("x"))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void anInterruptedWaitEndsAndKeepsTheFlag() throws Exception {
    try (Loopback loopback = Loopback.of(2, PATIENT)) {
      Future<Boolean> flag =
          loopback.start(
              0,
              exchange -> {
                Thread.currentThread().interrupt();
                assertThat(failure(exchange, large())).hasMessageContaining("interrupted");
                return Thread.interrupted();
              });
      assertThat(flag.get(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aWorkerOfAnotherRunIsRefusedAndToldSo() {
    Mesh a = mesh();
    Mesh b = mesh();
    List<InetSocketAddress> addresses = List.of(address(a), address(b));
    CompletableFuture<Throwable> other = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try (RingExchange unexpected =
                  RingExchange.join(b, UUID.randomUUID(), 1, addresses, PATIENT)) {
                other.complete(new AssertionError("joined as rank " + unexpected.rank()));
              } catch (RuntimeException e) {
                other.complete(e);
              }
            });
    thread.start();
    assertThatThrownBy(() -> RingExchange.join(a, UUID.randomUUID(), 0, addresses, PATIENT))
        .isInstanceOf(ExchangeException.class)
        .hasMessageContaining("Cannot join");
    assertThat(other.orTimeout(20, TimeUnit.SECONDS).join())
        .isInstanceOf(ExchangeException.class)
        .hasMessageContaining("Cannot join");
  }

  @Test
  void aWorkerThatNeverConnectsIsNamed() {
    Mesh a = mesh();
    try (Mesh silent = mesh()) {
      assertThatThrownBy(
              () ->
                  RingExchange.join(
                      a, UUID.randomUUID(), 0, List.of(address(a), address(silent)), HASTY))
          .isInstanceOf(ExchangeException.class)
          .hasMessageContaining("ranks [1]");
    }
  }

  @Test
  void theWorkerThatStandsStillIsNamedByAllThoughTheyWaitForEachOther() throws Exception {
    for (INDArray array : List.of(large(), Nd4j.zeros(3))) {
      try (Loopback loopback = Loopback.of(5, HASTY)) {
        List<Future<ExchangeException>> waiting =
            java.util.stream.IntStream.of(0, 1, 2, 4)
                .mapToObj(rank -> loopback.start(rank, exchange -> failure(exchange, array.dup())))
                .toList();
        for (Future<ExchangeException> one : waiting) {
          ExchangeException e = one.get(20, TimeUnit.SECONDS);
          assertThat(e.rank()).isEqualTo(3);
          assertThat(e).hasMessageContaining("for rank 3");
        }
      }
    }
  }

  @Test
  void aRangeOfPortsThatIsTakenIsReportedWithHostAndRange() {
    try (Mesh first = mesh();
        Mesh second =
            Mesh.bind(Loopback.conf(Map.of()), new Security.Open(), "127.0.0.1", first.port(), 8)) {
      assertThat(second.port()).isBetween(first.port() + 1, first.port() + 7);
      assertThatThrownBy(
              () ->
                  Mesh.bind(
                      Loopback.conf(Map.of()), new Security.Open(), "127.0.0.1", first.port(), 1))
          .isInstanceOf(ExchangeException.class)
          .hasMessageContaining("host=127.0.0.1, port=%1$d to %1$d", first.port())
          .hasMessageContaining("exchange.port");
    }
  }

  @Test
  void aWorkerThatHearsNoAnswerToItsHelloDoesNotBegin() throws Exception {
    Mesh a = mesh();
    try (java.net.ServerSocket deaf =
        new java.net.ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      InetSocketAddress silent =
          InetSocketAddress.createUnresolved("127.0.0.1", deaf.getLocalPort());
      assertThatThrownBy(
              () -> RingExchange.join(a, UUID.randomUUID(), 0, List.of(address(a), silent), HASTY))
          .isInstanceOf(ExchangeException.class)
          .hasMessageContaining("ranks [1] to connect")
          .hasMessageContaining("firewall");
    }
  }

  @Test
  void aPortThatNobodyListensOnIsReportedWithItsAddress() throws Exception {
    int free;
    try (java.net.ServerSocket socket = new java.net.ServerSocket(0)) {
      free = socket.getLocalPort();
    }
    Mesh a = mesh();
    InetSocketAddress nobody = InetSocketAddress.createUnresolved("127.0.0.1", free);
    assertThatThrownBy(
            () -> RingExchange.join(a, UUID.randomUUID(), 0, List.of(address(a), nobody), HASTY))
        .isInstanceOf(ExchangeException.class)
        .hasMessageContaining("rank=1")
        .hasMessageContaining(":" + free)
        .hasMessageContaining("exchange.ports");
  }

  @Test
  void strangersThatTalkNonsenseDoNotDisturbARun() throws Exception {
    try (Loopback loopback = Loopback.of(2, PATIENT)) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), loopback.port(0))) {
        OutputStream out = socket.getOutputStream();
        out.write(
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
                .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        out.flush();
        List<Integer> ranks =
            loopback.all(
                exchange -> {
                  exchange.allReduceSum(large());
                  return exchange.rank();
                });
        assertThat(ranks).containsExactly(0, 1);
      }
    }
  }

  private static Mesh mesh() {
    return Mesh.bind(Loopback.conf(Map.of()), new Security.Open(), "127.0.0.1", 0, 1);
  }

  private static InetSocketAddress address(Mesh mesh) {
    return InetSocketAddress.createUnresolved("127.0.0.1", mesh.port());
  }
}
