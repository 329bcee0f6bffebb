package org.talespark.jobs.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.server.TransportServer;
import org.apache.spark.network.server.TransportServerBootstrap;
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
  private static final int MAX_EARLY = 4096;

  private final TransportConf conf;
  private final Security security;
  private final TransportContext context;
  private final TransportServer server;

  // guarded by this
  private final List<Early> early = new ArrayList<>();
  private Identity identity;
  private TransportClientFactory clients;
  private Greetings greetings;
  private boolean closed;

  private volatile Outgoing outgoing = new Outgoing(0);

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
    List<TransportServerBootstrap> guards = security.server(conf);
    for (int port = firstPort; ; port++) {
      try {
        return context.createServer(host, port, guards);
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
      greetings = new Greetings(run, rank, workers.size());
      identity = new Identity(run, rank, List.copyOf(workers), listener);
      clients = context.createClientFactory(security.client(conf));
      waiting = List.copyOf(early);
      early.clear();
    }
    outgoing = new Outgoing(workers.size());
    waiting.forEach(e -> greet(e.channel(), e.hello()));
    for (int step = 1; step < workers.size(); step++) {
      int to = (rank + step) % workers.size(); // not everybody at rank 0 first
      outgoing.connect(clients, to, workers.get(to));
      send(to, frame(Frame.Kind.HELLO, 0, 0, 0), Unpooled.EMPTY_BUFFER, failure -> {});
    }
    greetings.await(timeoutSeconds);
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

  /** Sends a frame, as {@link Outgoing#send} says. */
  void send(int to, Frame frame, ByteBuf payload, Consumer<Throwable> written) {
    outgoing.send(to, frame, payload, written);
  }

  /** Sends a frame without payload to every worker that is connected. */
  void tell(Frame frame) {
    outgoing.tell(frame);
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
    greetings.incoming(from).config().setAutoRead(on);
  }

  long bytesSent() {
    return outgoing.bytesSent();
  }

  InetSocketAddress address(int rank) {
    return identity.workers().get(rank);
  }

  /** Tells every worker that this one leaves; nothing may be sent after it. */
  void sayGoodbye(long sequence, int blamed, String reason) {
    byte[] text = reason.getBytes(UTF_8);
    int length = Math.min(text.length, Frame.Kind.GOODBYE.maxBytes());
    outgoing.tell(frame(Frame.Kind.GOODBYE, sequence, blamed + 1L, length), text);
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    outgoing.close();
    server.close();
    if (clients != null) {
      clients.close();
    }
    context.close();
  }

  private void greet(Channel channel, Frame hello) {
    synchronized (this) {
      if (identity == null) {
        if (early.size() < MAX_EARLY) {
          early.add(new Early(channel, hello));
        } else {
          refuse(channel, "not ready");
        }
        return;
      }
    }
    String objection = greetings.admit(channel, hello);
    if (objection == null) {
      Frame welcome = frame(Frame.Kind.WELCOME, 0, 0, 0);
      FrameWriter.write(channel, welcome, Unpooled.EMPTY_BUFFER, failure -> {});
    } else {
      refuse(channel, objection);
    }
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

  private final class Arrivals implements FrameReader.Target {
    @Override
    public void opened(Channel channel) {
      StrangerLimit.watch(channel, c -> Greetings.sender(c) != null || outgoing.rank(c) >= 0);
    }

    @Override
    public void frame(Channel channel, Frame frame, ByteBuffer payload) {
      try {
        Integer sender = Greetings.sender(channel);
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
        checkSender(Greetings.sender(channel), frame);
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
      Integer sender = Greetings.sender(channel);
      if (sender == null) {
        refuse(channel, why.getMessage());
      } else {
        identity.listener().lost(sender, "it sent a malformed frame: " + why.getMessage());
        ChannelFuture unused = channel.close();
      }
    }

    private void welcome(Channel channel, Frame frame) throws Frame.Malformed {
      int rank = outgoing.rank(channel);
      if (rank < 0 || frame.rank() != rank || !frame.run().equals(identity.run())) {
        throw new Frame.Malformed("kind=WELCOME, expected it as the answer to HELLO");
      }
      greetings.welcome(rank);
    }

    private void refused(Channel channel, Frame frame, String why) throws Frame.Malformed {
      int rank = outgoing.rank(channel);
      if (rank < 0) {
        throw new Frame.Malformed(
            "kind=" + frame.kind() + ", expected it on a connection of ours only");
      }
      String text =
          "rank=%d, address=%s refused this worker: %s".formatted(rank, address(rank), why);
      LOG.warn("{}", text);
      greetings.refused(text);
      identity.listener().lost(rank, "it refused this worker: " + why);
    }

    @Override
    public void ended(Channel channel) {
      Integer sender = Greetings.sender(channel);
      boolean open;
      synchronized (Mesh.this) {
        open = !closed;
      }
      if (sender != null && open) {
        identity.listener().lost(sender, "its connection ended");
      } else if (open && outgoing.rank(channel) >= 0) {
        // one that ends while others have yet to connect will not be made up for
        int rank = outgoing.rank(channel);
        greetings.refused(
            "rank=%d, address=%s closed the connection".formatted(rank, address(rank)));
      }
    }
  }
}
