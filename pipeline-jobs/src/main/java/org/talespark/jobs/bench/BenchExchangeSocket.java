package org.talespark.jobs.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.zoo.runtime.NativeMemory;

/**
 * A plain connection over the loopback interface between two workers. Both send at once, from the
 * memory of an array, and receive into the memory of another, with nothing between: the most that
 * sockets of this machine give Java.
 */
final class BenchExchangeSocket implements AutoCloseable {
  /** Bytes handed to the system at a time, and asked of it. */
  private static final int CHUNK = 1 << 20;

  private final SocketChannel channel;
  private final ExecutorService sender = Executors.newSingleThreadExecutor();

  private BenchExchangeSocket(SocketChannel channel) {
    this.channel = channel;
  }

  /** Connects the two workers of an exchange. */
  static BenchExchangeSocket connect(Exchange exchange) throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    if (exchange.rank() == 0) {
      try (ServerSocketChannel server =
          ServerSocketChannel.open().bind(new InetSocketAddress(loopback, 0))) {
        int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
        exchange.allGather(Integer.toString(port).getBytes(StandardCharsets.US_ASCII));
        return of(server.accept());
      }
    }
    byte[] port = exchange.allGather(new byte[0]).get(0);
    int number = Integer.parseInt(new String(port, StandardCharsets.US_ASCII));
    return of(SocketChannel.open(new InetSocketAddress(loopback, number)));
  }

  private static BenchExchangeSocket of(SocketChannel channel) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    return new BenchExchangeSocket(channel);
  }

  /** Sends one array and receives the other worker's into another of the same size. */
  void swap(INDArray out, INDArray in) throws IOException {
    CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> send(out), sender);
    long bytes = NativeMemory.byteCount(in);
    for (long at = 0; at < bytes; ) {
      ByteBuffer window = window(in, at, bytes);
      while (window.hasRemaining()) {
        if (channel.read(window) < 0) {
          throw new EOFException("Cannot receive: at=%d, expected %d bytes".formatted(at, bytes));
        }
      }
      at += window.capacity();
    }
    sent.join();
  }

  private void send(INDArray out) {
    long bytes = NativeMemory.byteCount(out);
    try {
      for (long at = 0; at < bytes; ) {
        ByteBuffer window = window(out, at, bytes);
        while (window.hasRemaining()) {
          channel.write(window);
        }
        at += window.capacity();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ByteBuffer window(INDArray array, long at, long bytes) {
    return NativeMemory.window(array, at, (int) Math.min(CHUNK, bytes - at));
  }

  @Override
  public void close() throws IOException {
    sender.shutdown();
    channel.close();
  }
}
