package org.talespark.jobs.exchange;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.apache.spark.network.client.TransportClientFactory;

/** The connections of one worker to the others, on which it sends. */
final class Outgoing implements AutoCloseable {
  private static final int CLOSE_SECONDS = 5;

  private final Channel[] channels;
  private final LongAdder bytesSent = new LongAdder();

  /** None yet. */
  Outgoing(int workers) {
    this.channels = new Channel[workers];
  }

  /** Connects to a worker. */
  void connect(TransportClientFactory clients, int to, InetSocketAddress address) {
    try {
      channels[to] =
          clients.createUnmanagedClient(address.getHostString(), address.getPort()).getChannel();
    } catch (IOException | RuntimeException e) {
      throw new ExchangeException(
          "Cannot connect to worker: rank=%d, address=%s, expected it to listen (%s); try its executor's log, or where a firewall is between, exchange.port and exchange.ports that it lets through"
              .formatted(to, address, e.getMessage()),
          to,
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ExchangeException("Cannot connect to worker: rank=" + to + ", interrupted", to, e);
    }
  }

  /** The worker at the other end of a connection, or -1. */
  int rank(Channel channel) {
    for (int rank = 0; rank < channels.length; rank++) {
      if (channels[rank] == channel) {
        return rank;
      }
    }
    return -1;
  }

  /**
   * Sends a frame.
   *
   * @param payload must stay as it is until {@code written} is called, and is released then
   * @param written called on a network thread, with null or with the reason why not everything was
   *     sent; keeps the payload's memory alive
   */
  void send(int to, Frame frame, ByteBuf payload, Consumer<Throwable> written) {
    bytesSent.add(FrameWriter.bytes(frame));
    FrameWriter.write(channels[to], frame, payload, written);
  }

  /** Sends a frame, with its length of bytes of the payload, to every worker that is connected. */
  void tell(Frame frame, byte... payload) {
    for (int to = 0; to < channels.length; to++) {
      if (channels[to] != null) {
        send(to, frame, Unpooled.wrappedBuffer(payload, 0, frame.length()), failure -> {});
      }
    }
  }

  /** Bytes of all frames so far, encryption excluded. */
  long bytesSent() {
    return bytesSent.sum();
  }

  /** Ends all connections when what was sent has left, or after some seconds. */
  @Override
  public void close() {
    List<ChannelFuture> last = new ArrayList<>();
    for (Channel channel : channels) {
      if (channel != null) {
        last.add(channel.writeAndFlush(Unpooled.EMPTY_BUFFER));
      }
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
    last.forEach(
        f -> f.awaitUninterruptibly(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS));
    for (Channel channel : channels) {
      if (channel != null) {
        channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
      }
    }
  }
}
