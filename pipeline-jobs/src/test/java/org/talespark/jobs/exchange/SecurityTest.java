package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

@Timeout(60)
class SecurityTest {
  private static final ExchangeConfig CONFIG =
      ExchangeConfig.defaults().withSizes(64, 8).withTimeoutSeconds(20);
  private static final ExchangeConfig HASTY = CONFIG.withTimeoutSeconds(1);
  private static final Map<String, String> AUTHENTICATED = Map.of("spark.authenticate", "true");
  private static final Map<String, String> ENCRYPTED =
      Map.of("spark.network.crypto.enabled", "true", "spark.authenticate", "true");
  private static final Security SECRET =
      new Security.Secret("app", new Security.Key("a secret of the application"));

  @ParameterizedTest
  @EnumSource(ExchangeConfig.Wire.class)
  void authenticatedAndEncryptedConnectionsCarryTheSameSums(ExchangeConfig.Wire wire)
      throws Exception {
    for (Map<String, String> settings : List.of(AUTHENTICATED, ENCRYPTED)) {
      try (Loopback loopback =
          Loopback.of(3, CONFIG.withWire(wire), Loopback.conf(settings), SECRET)) {
        for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
          List<INDArray> results =
              loopback.all(
                  exchange -> {
                    INDArray mine = Values.array(exchange.rank(), 5001, type);
                    exchange.allReduceSum(mine);
                    return mine;
                  });
          assertThat(results.get(0).castTo(DataType.DOUBLE).toDoubleVector())
              .containsExactly(
                  Values.sums(3, 5001, type), within(type == DataType.DOUBLE ? 1e-14 : 5e-3));
          assertThat(Values.bytes(results.get(1))).isEqualTo(Values.bytes(results.get(0)));
        }
      }
    }
  }

  @Test
  void whatIsSentEncryptedCannotBeReadOnTheWay() throws Exception {
    assertThat(seenOnTheWay(Loopback.conf(Map.of()), new Security.Open())).isTrue();
    assertThat(seenOnTheWay(Loopback.conf(ENCRYPTED), SECRET)).isFalse();
  }

  /** Whether bytes that worker 1 sends to worker 0 pass a listener between them as they are. */
  private static boolean seenOnTheWay(
      org.apache.spark.network.util.TransportConf conf, Security security) throws Exception {
    byte[] mark =
        "0123456789abcdef0123456789ABCDEF".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    Mesh a = Mesh.bind(conf, security, "127.0.0.1", 0, 1);
    Mesh b = Mesh.bind(conf, security, "127.0.0.1", 0, 1);
    try (Tap tap = new Tap(a.port())) {
      UUID run = UUID.randomUUID();
      InetSocketAddress direct = InetSocketAddress.createUnresolved("127.0.0.1", b.port());
      InetSocketAddress tapped = InetSocketAddress.createUnresolved("127.0.0.1", tap.port());
      List<InetSocketAddress> addresses = List.of(tapped, direct);
      CompletableFuture<byte[]> got = new CompletableFuture<>();
      new Thread(
              () -> {
                try (RingExchange first = RingExchange.join(a, run, 0, addresses, CONFIG)) {
                  got.complete(first.allGather(new byte[0]).get(1));
                } catch (RuntimeException e) {
                  got.completeExceptionally(e);
                }
              })
          .start();
      try (RingExchange second = RingExchange.join(b, run, 1, addresses, CONFIG)) {
        second.allGather(mark);
        assertThat(got.get()).isEqualTo(mark);
      }
      return tap.saw(mark);
    }
  }

  @Test
  void aPlainPeerIsRefusedWhereAuthenticationIsOn() {
    Mesh guarded = Mesh.bind(Loopback.conf(AUTHENTICATED), SECRET, "127.0.0.1", 0, 1);
    Mesh plain = Mesh.bind(Loopback.conf(Map.of()), new Security.Open(), "127.0.0.1", 0, 1);
    assertBothFail(guarded, plain, "Cannot connect to worker");
  }

  @Test
  void aPeerWithAnotherSecretIsRefused() {
    Mesh guarded = Mesh.bind(Loopback.conf(ENCRYPTED), SECRET, "127.0.0.1", 0, 1);
    Mesh other =
        Mesh.bind(
            Loopback.conf(ENCRYPTED),
            new Security.Secret("app", new Security.Key("another secret")),
            "127.0.0.1",
            0,
            1);
    assertBothFail(guarded, other, "Cannot connect to worker");
  }

  /** Both know the run, and still neither can take part. */
  private static void assertBothFail(Mesh a, Mesh b, String message) {
    UUID run = UUID.randomUUID();
    List<InetSocketAddress> addresses =
        List.of(
            InetSocketAddress.createUnresolved("127.0.0.1", a.port()),
            InetSocketAddress.createUnresolved("127.0.0.1", b.port()));
    CompletableFuture<Throwable> other = new CompletableFuture<>();
    new Thread(
            () -> {
              try (RingExchange unexpected = RingExchange.join(b, run, 1, addresses, HASTY)) {
                other.complete(new AssertionError("joined as rank " + unexpected.rank()));
              } catch (RuntimeException e) {
                other.complete(e);
              }
            })
        .start();
    assertThatThrownBy(() -> RingExchange.join(a, run, 0, addresses, HASTY))
        .isInstanceOf(ExchangeException.class)
        .hasMessageContaining(message);
    assertThat(other.orTimeout(20, java.util.concurrent.TimeUnit.SECONDS).join())
        .isInstanceOf(ExchangeException.class)
        .hasMessageContaining("Cannot");
  }

  @Test
  void aStrangerThatAnnouncesAHugeMessageIsCutOffAndTheRunGoesOn() throws Exception {
    try (Loopback loopback = Loopback.of(2, CONFIG);
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), loopback.port(0))) {
      socket.setSoTimeout(20_000);
      OutputStream out = socket.getOutputStream();
      out.write(ByteBuffer.allocate(8).putLong(2_000_000_000L).array());
      byte[] some = new byte[64 << 10];
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 4096; i++) {
                  out.write(some);
                }
              })
          .as("256 MiB cannot be sent")
          .isInstanceOf(IOException.class);
      List<Float> sums =
          loopback.all(
              exchange -> {
                INDArray array = Nd4j.ones(DataType.FLOAT, 1000);
                exchange.allReduceSum(array);
                return array.getFloat(999);
              });
      assertThat(sums).containsExactly(2f, 2f);
    }
  }

  /** Passes one connection on and keeps what it saw. */
  private static final class Tap implements AutoCloseable {
    private final java.net.ServerSocket server;
    private final java.io.ByteArrayOutputStream seen = new java.io.ByteArrayOutputStream();

    Tap(int target) throws IOException {
      server = new java.net.ServerSocket(0, 1, InetAddress.getLoopbackAddress());
      start(
          () -> {
            Socket in = server.accept();
            Socket out = new Socket(InetAddress.getLoopbackAddress(), target);
            start(() -> pump(out.getInputStream(), in.getOutputStream()));
            pump(in.getInputStream(), out.getOutputStream());
          });
    }

    private interface Work {
      void run() throws IOException;
    }

    private static void start(Work work) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  work.run();
                } catch (IOException e) {
                  // the connection ended
                }
              });
      thread.setDaemon(true);
      thread.start();
    }

    private void pump(InputStream in, OutputStream out) throws IOException {
      byte[] buffer = new byte[8192];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        synchronized (seen) {
          seen.write(buffer, 0, n);
        }
        out.write(buffer, 0, n);
        out.flush();
      }
      out.close();
    }

    int port() {
      return server.getLocalPort();
    }

    boolean saw(byte[] mark) {
      java.nio.charset.Charset bytes = java.nio.charset.StandardCharsets.ISO_8859_1;
      synchronized (seen) {
        return seen.toString(bytes).contains(new String(mark, bytes));
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }
}
