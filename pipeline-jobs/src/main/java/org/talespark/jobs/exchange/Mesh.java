package org.talespark.jobs.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.util.AttributeKey;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.protocol.OneWayMessage;
import org.apache.spark.network.server.OneForOneStreamManager;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.StreamManager;
import org.apache.spark.network.server.TransportServer;
import org.apache.spark.network.util.TransportConf;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connections between every pair of workers, one for each direction. A connection begins with
 * HELLO, which names run and rank; a stranger is refused and told why. What is sent on one
 * connection arrives in order. The end of an incoming connection is how the loss of a worker shows;
 * the end of an outgoing one shows only through a failed send, since a worker that leaves in good
 * order says so on the incoming one first.
 */
final class Mesh implements AutoCloseable {
  /** What arrives. Called on network threads, for one rank by one thread at a time. */
  interface Listener {
    /** A frame of a worker; the payload is valid only during the call. */
    void frame(Frame frame, ByteBuffer payload);

    /** Nothing will come from this worker any more, or nothing can be sent to it. */
    void lost(int rank, String why);
  }

  private record Identity(UUID run, int rank, List<InetSocketAddress> workers, Listener listener) {}

  private record Early(Channel channel, Frame hello) {}

  private static final Logger LOG = LoggerFactory.getLogger(Mesh.class);
  private static final AttributeKey<Integer> SENDER = AttributeKey.valueOf(Mesh.class, "sender");
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
  private static final int MAX_EARLY = 4096;
  private static final int MAX_READ_BYTES = 256 << 10;
  private static final int CLOSE_SECONDS = 5;

  private final TransportConf conf;
  private final Security security;
  private final TransportContext context;
  private final TransportServer server;
  private final LongAdder bytesSent = new LongAdder();

  // guarded by this
  private final List<Early> early = new ArrayList<>();
  private Identity identity;
  private TransportClientFactory clients;
  private Channel[] incoming;
  private String refusal;
  private boolean closed;

  private volatile Channel[] outgoing = {};

  private Mesh(TransportConf conf, Security security, String host, int firstPort, int tries) {
    this.conf = conf;
    this.security = security;
    this.context = new TransportContext(conf, new Handler());
    this.server = listen(host, firstPort, tries);
  }

  /**
   * Starts to listen.
   *
   * @param host the local address
   * @param firstPort 0 for any free port
   * @param tries how many ports from the first are tried
   */
  static Mesh bind(TransportConf conf, Security security, String host, int firstPort, int tries) {
    return new Mesh(conf, security, host, firstPort, tries);
  }

  private TransportServer listen(String host, int firstPort, int tries) {
    for (int port = firstPort; ; port++) {
      try {
        return context.createServer(host, port, security.server(conf));
      } catch (Exception e) { // the network layer throws checked exceptions undeclared
        boolean taken = e instanceof BindException || e.getCause() instanceof BindException;
        if (firstPort == 0 || !taken || port + 1 >= firstPort + tries) {
          context.close();
          throw new ExchangeException(
              "Cannot listen for other workers: host=%s, port=%d to %d, expected a free port; try exchange.port=0"
                  .formatted(host, firstPort, port),
              ExchangeException.NOBODY,
              e);
        }
      }
    }
  }

  int port() {
    return server.getPort();
  }

  /**
   * Connects to every other worker and waits until every other worker has connected here.
   *
   * @param workers every worker's address by rank
   */
  void join(
      UUID run, int rank, List<InetSocketAddress> workers, Listener listener, int timeoutSeconds) {
    List<Early> waiting;
    synchronized (this) {
      incoming = new Channel[workers.size()];
      identity = new Identity(run, rank, List.copyOf(workers), listener);
      clients = context.createClientFactory(security.client(conf));
      waiting = List.copyOf(early);
      early.clear();
    }
    waiting.forEach(e -> greet(e.channel(), e.hello()));
    outgoing = new Channel[workers.size()];
    for (int step = 1; step < workers.size(); step++) {
      int to = (rank + step) % workers.size(); // not everybody at rank 0 first
      connect(to, workers.get(to));
    }
    awaitGreetings(timeoutSeconds);
  }

  private void connect(int to, InetSocketAddress address) {
    try {
      outgoing[to] =
          clients.createUnmanagedClient(address.getHostString(), address.getPort()).getChannel();
    } catch (IOException | RuntimeException e) {
      throw new ExchangeException(
          "Cannot connect to worker: rank=%d, address=%s, expected it to listen; try its executor's log"
              .formatted(to, address),
          to,
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ExchangeException("Cannot connect to worker: rank=" + to + ", interrupted", to, e);
    }
    send(to, frame(Frame.Kind.HELLO, 0, 0, 0), NOTHING, this, failure -> {});
  }

  private synchronized void awaitGreetings(int timeoutSeconds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
    for (List<Integer> missing = missing(); !missing.isEmpty(); missing = missing()) {
      if (refusal != null) {
        throw new ExchangeException("Cannot join the run: " + refusal, ExchangeException.NOBODY);
      }
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        throw new ExchangeException(
            "Cannot join the run: rank %d waited %d s for ranks %s to connect, expected all %d; try their executors' logs, or a larger exchange.timeout_seconds"
                .formatted(identity.rank(), timeoutSeconds, missing, incoming.length),
            missing.get(0));
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ExchangeException(
            "Cannot join the run: interrupted", ExchangeException.NOBODY, e);
      }
    }
  }

  private List<Integer> missing() {
    List<Integer> missing = new ArrayList<>();
    for (int other = 0; other < incoming.length; other++) {
      if (other != identity.rank() && incoming[other] == null) {
        missing.add(other);
      }
    }
    return missing;
  }

  /** A frame of this worker without element, step and chunk. */
  Frame frame(Frame.Kind kind, long sequence, long total, int length) {
    return frame(kind, sequence, Element.FLOAT, 0, 0, total, length);
  }

  Frame frame(
      Frame.Kind kind,
      long sequence,
      Element element,
      int step,
      int chunk,
      long total,
      int length) {
    Identity me = identity;
    return new Frame(
        kind,
        me.run(),
        me.rank(),
        me.workers().size(),
        sequence,
        element,
        step,
        chunk,
        total,
        length);
  }

  /**
   * Sends a frame.
   *
   * @param payload must stay as it is until {@code written} is called
   * @param owner keeps the payload's memory alive
   * @param written called on a network thread, with null or with the reason why nothing was sent
   */
  void send(int to, Frame frame, ByteBuffer payload, Object owner, Consumer<Throwable> written) {
    FrameBody body = new FrameBody(frame.encode(0).flip(), payload, owner);
    bytesSent.add(body.size());
    ChannelFuture unused =
        outgoing[to]
            .writeAndFlush(new OneWayMessage(body))
            .addListener(future -> written.accept(future.isSuccess() ? null : future.cause()));
  }

  /**
   * Stops or resumes reading from a worker; what it sends meanwhile waits in its own and the
   * kernel's buffers.
   */
  void reading(int from, boolean on) {
    Channel channel;
    synchronized (this) {
      channel = incoming[from];
    }
    channel.config().setAutoRead(on);
  }

  long bytesSent() {
    return bytesSent.sum();
  }

  InetSocketAddress address(int rank) {
    return identity.workers().get(rank);
  }

  /** Tells every worker that this one leaves; nothing may be sent after it. */
  void sayGoodbye(long sequence, int blamed, String reason) {
    byte[] text = reason.getBytes(UTF_8);
    int length = Math.min(text.length, Frame.Kind.GOODBYE.maxBytes());
    Frame goodbye = frame(Frame.Kind.GOODBYE, sequence, blamed + 1L, length);
    for (int to = 0; to < outgoing.length; to++) {
      if (outgoing[to] != null) {
        send(to, goodbye, ByteBuffer.wrap(text, 0, length), this, failure -> {});
      }
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      notifyAll();
    }
    List<ChannelFuture> last = new ArrayList<>();
    for (Channel channel : outgoing) {
      if (channel != null) {
        last.add(channel.writeAndFlush(Unpooled.EMPTY_BUFFER));
      }
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
    last.forEach(
        f -> f.awaitUninterruptibly(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS));
    for (Channel channel : outgoing) {
      if (channel != null) {
        channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
      }
    }
    server.close();
    if (clients != null) {
      clients.close();
    }
    context.close();
  }

  private void greet(Channel channel, Frame hello) {
    String objection;
    synchronized (this) {
      if (identity == null && early.size() < MAX_EARLY) {
        early.add(new Early(channel, hello));
        return;
      }
      objection = objection(hello);
      if (objection == null) {
        channel.attr(SENDER).set(hello.rank());
        incoming[hello.rank()] = channel;
        notifyAll();
        if (!channel.isActive()) {
          objection = "it went away";
        }
      }
    }
    if (objection != null) {
      refuse(channel, objection);
    }
  }

  private String objection(Frame hello) {
    if (identity == null) {
      return "not ready";
    }
    if (!hello.run().equals(identity.run())) {
      return "run=" + hello.run() + ", expected another run; a worker of an earlier attempt?";
    }
    if (hello.workers() != incoming.length) {
      return "workers=%d, expected %d".formatted(hello.workers(), incoming.length);
    }
    boolean free = hello.rank() != identity.rank() && incoming[hello.rank()] == null;
    return free ? null : "rank=" + hello.rank() + ", expected one that is not connected yet";
  }

  private void refuse(Channel channel, String objection) {
    LOG.warn("Refused a connection: from={}, {}", channel.remoteAddress(), objection);
    byte[] text = objection.getBytes(UTF_8);
    Identity me = identity;
    Frame refused =
        me == null
            ? new Frame(
                Frame.Kind.REFUSED, new UUID(0, 0), 0, 1, 0, Element.FLOAT, 0, 0, 0, text.length)
            : frame(Frame.Kind.REFUSED, 0, 0, text.length);
    ChannelFuture unused =
        channel
            .writeAndFlush(
                new OneWayMessage(
                    new FrameBody(refused.encode(0).flip(), ByteBuffer.wrap(text), this)))
            .addListener(ChannelFutureListener.CLOSE);
  }

  private void receive(Channel channel, ByteBuffer message) {
    Integer sender = channel.attr(SENDER).get();
    Identity me = identity;
    try {
      Frame frame = Frame.decode(message);
      if (frame.kind() == Frame.Kind.REFUSED) {
        refused(channel, frame, UTF_8.decode(message).toString());
      } else if (sender == null) {
        if (frame.kind() != Frame.Kind.HELLO) {
          throw new Frame.Malformed("kind=" + frame.kind() + ", expected HELLO first");
        }
        greet(channel, frame);
      } else if (frame.kind() == Frame.Kind.HELLO
          || frame.rank() != sender
          || !frame.run().equals(me.run())) {
        throw new Frame.Malformed(
            "kind=%s, rank=%d, run=%s, expected rank %d of run %s, greeted once"
                .formatted(frame.kind(), frame.rank(), frame.run(), sender, me.run()));
      } else {
        me.listener().frame(frame, message);
      }
    } catch (Frame.Malformed e) {
      if (sender == null) {
        refuse(channel, e.getMessage());
      } else {
        me.listener().lost(sender, "it sent a malformed frame: " + e.getMessage());
        ChannelFuture unused = channel.close();
      }
    }
  }

  private void refused(Channel channel, Frame frame, String why) throws Frame.Malformed {
    for (int rank = 0; rank < outgoing.length; rank++) {
      if (outgoing[rank] == channel) {
        String text =
            "rank=%d, address=%s refused this worker: %s".formatted(rank, address(rank), why);
        LOG.warn("{}", text);
        synchronized (this) {
          refusal = text;
          notifyAll();
        }
        identity.listener().lost(rank, "it refused this worker: " + why);
        return;
      }
    }
    throw new Frame.Malformed(
        "kind=" + frame.kind() + ", expected it on a connection of ours only");
  }

  /** A connection of ours that ends while others have yet to connect will not be made up for. */
  private void ended(Channel channel) {
    for (int rank = 0; rank < outgoing.length; rank++) {
      if (outgoing[rank] == channel) {
        synchronized (this) {
          if (refusal == null) {
            refusal = "rank=%d, address=%s closed the connection".formatted(rank, address(rank));
          }
          notifyAll();
        }
      }
    }
  }

  private final class Handler extends RpcHandler {
    private final StreamManager streams = new OneForOneStreamManager();

    @Override
    public void receive(TransportClient client, ByteBuffer message, RpcResponseCallback callback) {
      callback.onFailure(new UnsupportedOperationException("only one-way messages"));
    }

    @Override
    public void receive(TransportClient client, ByteBuffer message) {
      Mesh.this.receive(client.getChannel(), message);
    }

    @Override
    public StreamManager getStreamManager() {
      return streams;
    }

    @Override
    public void channelActive(TransportClient client) {
      client
          .getChannel()
          .config()
          .setRecvByteBufAllocator(
              new AdaptiveRecvByteBufAllocator(2048, 64 << 10, MAX_READ_BYTES));
    }

    @Override
    public void channelInactive(TransportClient client) {
      Integer sender = client.getChannel().attr(SENDER).get();
      boolean open;
      synchronized (Mesh.this) {
        open = !closed;
      }
      if (sender != null && open) {
        identity.listener().lost(sender, "its connection ended");
      } else if (open) {
        ended(client.getChannel());
      }
    }
  }
}
