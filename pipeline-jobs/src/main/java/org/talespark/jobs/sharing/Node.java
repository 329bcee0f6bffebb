package org.talespark.jobs.sharing;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.parameterserver.distributed.conf.VoidConfiguration;
import org.nd4j.parameterserver.distributed.v2.ModelParameterServer;
import org.nd4j.parameterserver.distributed.v2.enums.MeshBuildMode;
import org.nd4j.parameterserver.distributed.v2.transport.UpdatesHandler;
import org.nd4j.parameterserver.distributed.v2.transport.impl.StaticPortSupplier;
import org.reactivestreams.Subscription;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.zoo.runtime.NativeMemory;

/**
 * One node of the mesh, in the driver or in an executor: the library's parameter server, a thread
 * that gives signs of life, and a listener for what arrives.
 */
final class Node implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Node.class);
  private static final int STREAM = 119;
  private static final int CHUNK_BYTES = 65_536;
  private static final long FAST_BEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long SLOW_BEAT_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final int BEATS_A_TIMEOUT = 10;
  private static final int SENDS_A_TIMEOUT = 4;
  private static final long LEAVE_MILLIS = 100;

  private final Rendezvous root;
  private final int rank;
  private final Peers peers;
  private final GuardedTransport transport;
  private final ModelParameterServer server;
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final Consumer<SharedMessage> listener;
  private final Thread beats;
  private final long slowBeatNanos;
  private volatile boolean closing;
  private boolean closed;

  private Node(
      SharingConfig config,
      Rendezvous root,
      int rank,
      String host,
      int port,
      Predicate<String> known,
      Consumer<SharedMessage> listener) {
    this.root = root;
    this.rank = rank;
    this.listener = listener;
    this.peers = new Peers(rank, root.workers());
    long timeout = TimeUnit.SECONDS.toNanos(config.timeoutSeconds());
    this.slowBeatNanos = Math.min(SLOW_BEAT_NANOS, timeout / BEATS_A_TIMEOUT);
    VoidConfiguration settings =
        VoidConfiguration.builder()
            .streamId(STREAM)
            .meshBuildMode(MeshBuildMode.PLAIN)
            .portSupplier(new StaticPortSupplier(root.port()))
            .maxChunkSize(CHUNK_BYTES)
            .build();
    boolean isRoot = rank == root.workers();
    this.transport =
        GuardedTransport.create(
            host, port, root, settings, known, timeout / SENDS_A_TIMEOUT, this::fail);
    this.server = new ModelParameterServer(settings, transport, isRoot);
    server.addUpdatesSubscriber(new Incoming());
    this.beats = new Thread(this::beat, "parameter-server-beat-" + rank);
    beats.setDaemon(true);
  }

  /**
   * Starts a node and connects it to the root.
   *
   * @param rank of the worker, or the number of workers for the root
   * @param known which ids of nodes messages are taken from
   * @param listener called for what other workers send, in order, by one thread; must not block
   * @throws SharingException when the port is taken or the root does not answer
   */
  static Node start(
      SharingConfig config,
      Rendezvous root,
      int rank,
      String host,
      int port,
      Predicate<String> known,
      Consumer<SharedMessage> listener) {
    Node node = new Node(config, root, rank, host, port, known, listener);
    try {
      node.server.launch();
      node.beats.start();
      return node;
    } catch (RuntimeException e) {
      node.transport.shutdown();
      throw new SharingException(
          "Cannot start parameter server: udp=%s:%d root=%s:%d (%s), expected a free port and a root that answers; try another gradient_sharing.port, and let UDP pass"
              .formatted(host, port, root.host(), root.port(), e.getMessage()),
          SharingException.NOBODY,
          e);
    }
  }

  Peers peers() {
    return peers;
  }

  long bytesSent() {
    return transport.bytesSent();
  }

  long refused() {
    return transport.refused();
  }

  /** Sends to all other workers; returns when Aeron has taken it. */
  void send(SharedMessage message) {
    INDArray payload = Nd4j.createFromArray(message.toInts());
    try {
      server.sendUpdate(payload);
    } catch (RuntimeException e) {
      Throwable cause = e;
      while (cause.getCause() != null && !(cause instanceof SharingException)) {
        cause = cause.getCause();
      }
      throw new SharingException(
          "Cannot share updates: worker=%d root=%s:%d (%s), expected a root that takes messages; was the driver lost?"
              .formatted(rank, root.host(), root.port(), cause.getMessage()),
          SharingException.NOBODY,
          e);
    } finally {
      payload.close();
    }
  }

  private void fail(Throwable cause) {
    if (failure.compareAndSet(null, cause)) {
      LOG.error("The parameter server of node {} failed", rank, cause);
    }
  }

  /**
   * Throws what went wrong in another thread, or when a node has been silent for too long.
   *
   * @param limitNanos of silence
   */
  void check(long limitNanos) {
    Throwable cause = failure.get();
    if (cause != null) {
      throw new SharingException(
          "Cannot share updates: worker=%d (%s)".formatted(rank, cause.getMessage()),
          SharingException.NOBODY,
          cause);
    }
    peers
        .lost(limitNanos)
        .ifPresent(
            lost -> {
              throw lost(lost);
            });
  }

  private SharingException lost(int lost) {
    boolean isRoot = lost == root.workers();
    String who =
        isRoot
            ? "the root in the driver"
            : "worker %d (last step %d)".formatted(lost, peers.last(lost));
    return new SharingException(
        "Cannot share updates: %s has given no sign of life for %.1f s, expected one every %.1f s; it was lost or stopped"
            .formatted(who, peers.silentSeconds(lost), slowBeatNanos / 1e9),
        isRoot ? SharingException.NOBODY : lost);
  }

  /** Gives signs of life and counts the silence of the others. */
  private void beat() {
    try {
      while (!closing) {
        long pause = peers.complete() ? slowBeatNanos : Math.min(FAST_BEAT_NANOS, slowBeatNanos);
        long before = System.nanoTime();
        if (!transportTakes()) {
          return;
        }
        TimeUnit.NANOSECONDS.sleep(pause);
        // a process that was stopped in between has not waited for anybody
        peers.tick(Math.min(System.nanoTime() - before, 2 * pause));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closing
    }
  }

  private boolean transportTakes() {
    try {
      send(SharedMessage.beat(root.run(), rank, peers.workersHeard()));
      return true;
    } catch (RuntimeException e) {
      if (!closing) {
        fail(e);
      }
      return false;
    }
  }

  /** Called by the library for every update, its own excepted. */
  private final class Incoming implements UpdatesHandler {
    @Override
    public void onNext(INDArray payload) {
      try {
        SharedMessage message = SharedMessage.parse(ints(payload), root.workers());
        if (message.run() == root.run() && message.rank() != rank) {
          take(message);
        }
      } catch (SharedMessage.Malformed e) {
        throw new IllegalArgumentException("Cannot read update: " + e.getMessage(), e);
      }
    }

    private int[] ints(INDArray payload) throws SharedMessage.Malformed {
      boolean flat =
          payload.dataType() == DataType.INT32
              && payload.rank() == 1
              && payload.offset() == 0
              && NativeMemory.isContiguous(payload)
              && payload.data().length() == payload.length()
              && payload.length() <= MessageReader.MAX_BYTES / Integer.BYTES;
      if (!flat) {
        throw new SharedMessage.Malformed("not a flat array of INT");
      }
      int[] out = new int[(int) payload.length()];
      NativeMemory.window(payload, 0, out.length * Integer.BYTES).asIntBuffer().get(out);
      return out;
    }

    private void take(SharedMessage message) {
      switch (message.kind()) {
        case BEAT -> peers.heard(message.rank(), message.count());
        case LEAVE -> peers.left(message.rank());
        case SPARSE, BITMAP -> {
          try {
            peers.arrived(message.rank(), message.step(), () -> listener.accept(message));
          } catch (IllegalStateException e) {
            fail(e);
          }
        }
        case DENSE -> {
          listener.accept(message);
          peers.heard(message.rank());
        }
      }
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      // updates come as they come
    }

    @Override
    public void onError(Throwable cause) {
      fail(cause);
    }

    @Override
    public void onComplete() {
      // never called
    }

    @Override
    public INDArray getParametersArray() {
      throw new UnsupportedOperationException(
          "Cannot send parameters: a worker that was lost is not taken back");
    }
  }

  /** Tells the others, unless they are told to find out for themselves, and ends all threads. */
  private void close(boolean leave) {
    if (closed) {
      return;
    }
    closed = true;
    closing = true;
    beats.interrupt();
    try {
      beats.join();
      if (leave && failure.get() == null) {
        send(SharedMessage.leave(root.run(), rank));
        Thread.sleep(LEAVE_MILLIS); // on its way
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (SharingException e) {
      LOG.debug("Left without a word", e);
    } finally {
      server.shutdown();
    }
  }

  @Override
  public void close() {
    close(true);
  }

  /** Ends as a process that is killed. */
  void vanish() {
    close(false);
  }
}
