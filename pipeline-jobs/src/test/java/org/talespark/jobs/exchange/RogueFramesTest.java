package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.buffer.Unpooled;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** A worker of the run that sends what it must not ends the exchange, with its rank. */
@Timeout(60)
class RogueFramesTest {
  private static final ExchangeConfig CONFIG =
      ExchangeConfig.defaults().withSizes(1024, 0).withTimeoutSeconds(20);
  private static final UUID RUN = UUID.randomUUID();
  private static final int ELEMENTS = 1000; // segments of 500, chunks of 256 and 244

  private static Frame ring(UUID run, int rank, long sequence, int step, int chunk, int length) {
    return new Frame(
        Frame.Kind.RING, run, rank, 2, sequence, Element.FLOAT, step, chunk, ELEMENTS, length, 0);
  }

  static Stream<Arguments> rogues() {
    return Stream.of(
        Arguments.of(ring(UUID.randomUUID(), 1, 0, 0, 0, 1024), "expected rank 1 of run"),
        Arguments.of(ring(RUN, 0, 0, 0, 0, 1024), "expected rank 1 of run"),
        Arguments.of(ring(RUN, 1, 5, 0, 0, 1024), "operation 5, expected 0 or the next"),
        Arguments.of(ring(RUN, 1, 0, 2, 0, 1024), "step=2"),
        Arguments.of(ring(RUN, 1, 0, 0, 1, 976), "chunk=1"),
        Arguments.of(ring(RUN, 1, 0, 0, 0, 1028), "1028 bytes"),
        Arguments.of(
            new Frame(Frame.Kind.RING, RUN, 1, 2, 0, Element.HALF, 0, 0, ELEMENTS, 512, 3), "HALF"),
        Arguments.of(
            new Frame(Frame.Kind.HELLO, RUN, 1, 2, 0, Element.FLOAT, 0, 0, 0, 0, 0), "HELLO"),
        Arguments.of(
            new Frame(Frame.Kind.WELCOME, RUN, 1, 2, 0, Element.FLOAT, 0, 0, 0, 0, 0), "WELCOME"));
  }

  @ParameterizedTest
  @MethodSource("rogues")
  void isRefusedAndNamed(Frame rogue, String message) throws Exception {
    Mesh good = Mesh.bind(Loopback.conf(Map.of()), new Security.Open(), "127.0.0.1", 0, 1);
    try (Mesh bad = Mesh.bind(Loopback.conf(Map.of()), new Security.Open(), "127.0.0.1", 0, 1)) {
      List<InetSocketAddress> addresses =
          List.of(
              InetSocketAddress.createUnresolved("127.0.0.1", good.port()),
              InetSocketAddress.createUnresolved("127.0.0.1", bad.port()));
      CompletableFuture<Void> joined =
          CompletableFuture.runAsync(() -> bad.join(RUN, 1, addresses, new Deaf(), 20));
      try (RingExchange exchange = RingExchange.join(good, RUN, 0, addresses, CONFIG)) {
        joined.join();
        CompletableFuture<Throwable> sent = new CompletableFuture<>();
        Pending sum = exchange.allReduceSumAsync(Nd4j.ones(DataType.FLOAT, ELEMENTS));
        bad.send(0, rogue, Unpooled.wrappedBuffer(new byte[rogue.length()]), sent::complete);
        ExchangeException e = catchThrowableOfType(ExchangeException.class, sum::await);
        assertThat(e).hasMessageContaining(message);
        assertThat(e.rank()).isEqualTo(1);
        assertThat(sent.join()).isNull();
      }
    }
  }

  private static final class Deaf implements Mesh.Listener {
    @Override
    public void frame(Frame frame, ByteBuffer payload) {}

    @Override
    public Inflow stream(Frame frame) {
      return Inflow.NOWHERE;
    }

    @Override
    public void lost(int rank, String why) {}
  }
}
