package org.talespark.jobs.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
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
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.server.TransportServer;
import org.apache.spark.network.util.TransportConf;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connections between every pair of workers, one for each direction. A connection begins with
 * HELLO, which names run and rank, and its answer WELCOME; a stranger is refused and told why. What
 * is sent on one connection arrives in order. The end of an incoming connection is how the loss of
 * a worker shows; the end of an outgoing one shows only through a failed send, since a worker that
 * leaves in good order says so on the incoming one first.
 */
final class Mesh implements AutoCloseable {
  /** What arrives. Called on network threads, for one rank by one thread at a time. */
  interface Listener {
    /** A frame of a worker; the payload is valid only during the call. */
    void frame(Frame frame, ByteBuffer payload);

    /** A frame of a worker whose payload follows; tells where that goes. */
    Inflow stream(Frame frame);

    /** Nothing will come from this worker any more, or nothing can be sent to it. */
    void lost(int rank, String why);
  }

  private record Identity(UUID run, int rank, List<InetSocketAddress> workers, Listener listener) {}

  private record Early(Channel channel, Frame hello) {}

  private static final Logger LOG = LoggerFactory.getLogger(Mesh.class);
  private static final AttributeKey<Integer> SENDER = AttributeKey.valueOf(Mesh.class, "sender");
  private static final int MAX_EARLY = 4096;
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
  private boolean[] welcomed;
  private String refusal;
  private boolean closed;

  private volatile Channel[] outgoing = {};

  private Mesh(TransportConf conf, Security security, String host, int firstPort, int tries) {
    this.conf = conf;
    this.security = security;
    this.context = new TransportContext(conf, new FrameReader(new Arrivals()));
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
              "Cannot listen for other workers: host=%s, port=%d to %d, expected a free port (%s); try other exchange.port and exchange.ports, or exchange.port=0"
                  .formatted(host, firstPort, port, e.getMessage()),
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
   * Connects to every other worker and waits until every other worker has connected here, and until
   * each has answered.
   *
   * @param workers every worker's address by rank
   */
  void join(
      UUID run, int rank, List<InetSocketAddress> workers, Listener listener, int timeoutSeconds) {
    List<Early> waiting;
    synchronized (this) {
      incoming = new Channel[workers.size()];
      welcomed = new boolean[workers.size()];
      identity = new Identity(run, rank, List.copyOf(workers), listener);
      clients = context.createClientFactory(security.client(conf));
      waiting = List.copyOf(early);
      early.clear();
    }
    outgoing = new Channel[workers.size()];
    waiting.forEach(e -> greet(e.channel(), e.hello()));
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
          "Cannot connect to worker: rank=%d, address=%s, expected it to listen (%s); try its executor's log, or where a firewall is between, exchange.port and exchange.ports that it lets through"
              .formatted(to, address, e.getMessage()),
          to,
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ExchangeException("Cannot connect to worker: rank=" + to + ", interrupted", to, e);
    }
    send(to, frame(Frame.Kind.HELLO, 0, 0, 0), Unpooled.EMPTY_BUFFER, failure -> {});
  }

  private synchronized void awaitGreetings(int timeoutSeconds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
    while (true) {
      List<Integer> silent = others(rank -> incoming[rank] == null);
      List<Integer> deaf = others(rank -> !welcomed[rank]);
      if (silent.isEmpty() && deaf.isEmpty()) {
        return;
      }
      if (refusal != null) {
        throw new ExchangeException("Cannot join the run: " + refusal, ExchangeException.NOBODY);
      }
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        List<Integer> missing = silent.isEmpty() ? deaf : silent;
        throw new ExchangeException(
            "Cannot join the run: rank %d waited %d s for ranks %s to %s, expected all %d; try their executors' logs, ports that no firewall blocks (exchange.port, exchange.ports), or a larger exchange.timeout_seconds"
                .formatted(
                    identity.rank(),
                    timeoutSeconds,
                    missing,
                    silent.isEmpty() ? "answer" : "connect",
                    incoming.length),
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

  private List<Integer> others(java.util.function.IntPredicate which) {
    return java.util.stream.IntStream.range(0, incoming.length)
        .filter(rank -> rank != identity.rank() && which.test(rank))
        .boxed()
        .toList();
  }

  /** A frame of this worker without element, step and chunk. */
  Frame frame(Frame.Kind kind, long sequence, long total, int length) {
    return frame(kind, sequence, Element.FLOAT, 0, 0, total, length, 0);
  }

  Frame frame(
      Frame.Kind kind,
      long sequence,
      Element element,
      int step,
      int chunk,
      long total,
      int length,
      int exponent) {
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
        length,
        exponent);
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
    FrameWriter.write(outgoing[to], frame, payload, written);
  }

  /** Sends a frame without payload to every worker that is connected. */
  void tell(Frame frame) {
    for (int to = 0; to < outgoing.length; to++) {
      if (outgoing[to] != null) {
        send(to, frame, Unpooled.EMPTY_BUFFER, failure -> {});
      }
    }
  }

  /** Where payloads come from that are not an array's own memory. */
  ByteBufAllocator allocator() {
    return PooledByteBufAllocator.DEFAULT;
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
        send(to, goodbye, Unpooled.wrappedBuffer(text, 0, length), failure -> {});
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
    if (objection == null) {
      Frame welcome = frame(Frame.Kind.WELCOME, 0, 0, 0);
      FrameWriter.write(channel, welcome, Unpooled.EMPTY_BUFFER, failure -> {});
    } else {
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
    int length = Math.min(text.length, Frame.Kind.REFUSED.maxBytes());
    Identity me = identity;
    Frame refused =
        me == null
            ? new Frame(
                Frame.Kind.REFUSED, new UUID(0, 0), 0, 1, 0, Element.FLOAT, 0, 0, 0, length, 0)
            : frame(Frame.Kind.REFUSED, 0, 0, length);
    FrameWriter.write(
        channel,
        refused,
        Unpooled.wrappedBuffer(text, 0, length),
        failure -> {
          ChannelFuture unused = channel.close();
        });
  }

  /** The worker at the other end of a connection of ours. */
  private int reached(Channel channel) {
    for (int rank = 0; rank < outgoing.length; rank++) {
      if (outgoing[rank] == channel) {
        return rank;
      }
    }
    return -1;
  }

  private final class Arrivals implements FrameReader.Target {
    @Override
    public void opened(Channel channel) {
      StrangerLimit.watch(channel, c -> c.attr(SENDER).get() != null || reached(c) >= 0);
    }

    @Override
    public void frame(Channel channel, Frame frame, ByteBuffer payload) {
      try {
        Integer sender = channel.attr(SENDER).get();
        switch (frame.kind()) {
          case REFUSED -> refused(channel, frame, UTF_8.decode(payload).toString());
          case WELCOME -> welcome(channel, frame);
          case HELLO -> {
            if (sender != null) {
              throw new Frame.Malformed("kind=HELLO, expected it once");
            }
            greet(channel, frame);
          }
          default -> {
            checkSender(sender, frame);
            identity.listener().frame(frame, payload);
          }
        }
      } catch (Frame.Malformed e) {
        malformed(channel, e);
      }
    }

    @Override
    public Inflow stream(Channel channel, Frame frame) {
      try {
        checkSender(channel.attr(SENDER).get(), frame);
        return identity.listener().stream(frame);
      } catch (Frame.Malformed e) {
        malformed(channel, e);
        return Inflow.NOWHERE;
      }
    }

    private void checkSender(Integer sender, Frame frame) throws Frame.Malformed {
      if (sender == null) {
        throw new Frame.Malformed("kind=" + frame.kind() + ", expected HELLO first");
      }
      Identity me = identity;
      if (frame.rank() != sender
          || frame.workers() != me.workers().size()
          || !frame.run().equals(me.run())) {
        throw new Frame.Malformed(
            "kind=%s, rank=%d, run=%s, expected rank %d of run %s"
                .formatted(frame.kind(), frame.rank(), frame.run(), sender, me.run()));
      }
    }

    @Override
    public void malformed(Channel channel, Frame.Malformed why) {
      Integer sender = channel.attr(SENDER).get();
      if (sender == null) {
        refuse(channel, why.getMessage());
      } else {
        identity.listener().lost(sender, "it sent a malformed frame: " + why.getMessage());
        ChannelFuture unused = channel.close();
      }
    }

    private void welcome(Channel channel, Frame frame) throws Frame.Malformed {
      synchronized (Mesh.this) {
        boolean asked =
            identity != null
                && frame.run().equals(identity.run())
                && frame.rank() < welcomed.length
                && outgoing[frame.rank()] == channel;
        if (asked) {
          welcomed[frame.rank()] = true;
          Mesh.this.notifyAll();
          return;
        }
      }
      throw new Frame.Malformed("kind=WELCOME, expected it as the answer to HELLO");
    }

    private void refused(Channel channel, Frame frame, String why) throws Frame.Malformed {
      int rank = reached(channel);
      if (rank < 0) {
        throw new Frame.Malformed(
            "kind=" + frame.kind() + ", expected it on a connection of ours only");
      }
      String text =
          "rank=%d, address=%s refused this worker: %s".formatted(rank, address(rank), why);
      LOG.warn("{}", text);
      synchronized (Mesh.this) {
        refusal = text;
        Mesh.this.notifyAll();
      }
      identity.listener().lost(rank, "it refused this worker: " + why);
    }

    @Override
    public void ended(Channel channel) {
      Integer sender = channel.attr(SENDER).get();
      boolean open;
      synchronized (Mesh.this) {
        open = !closed;
      }
      if (sender != null && open) {
        identity.listener().lost(sender, "its connection ended");
      } else if (open) {
        connectionOfOursEnded(reached(channel));
      }
    }

    /** One that ends while others have yet to connect will not be made up for. */
    private void connectionOfOursEnded(int rank) {
      if (rank >= 0) {
        synchronized (Mesh.this) {
          if (refusal == null) {
            refusal = "rank=%d, address=%s closed the connection".formatted(rank, address(rank));
          }
          Mesh.this.notifyAll();
        }
      }
    }
  }
}
