package org.talespark.jobs.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import io.netty.buffer.ByteBuf;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkConf;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The exchange of a run with several workers. Large arrays go round a ring in chunks (each worker
 * sends and receives twice the array less a share, whatever the number of workers); small ones are
 * summed by recursive doubling, in few steps.
 *
 * <p>Operations run one after the other. What a faster worker sends for the next one is kept, up to
 * a limit from which on this worker stops reading from it; a worker cannot be further ahead than
 * one operation, since every operation needs something of every worker.
 */
public final class RingExchange implements Exchange {
  private static final Logger LOG = LoggerFactory.getLogger(RingExchange.class);

  private final Mesh mesh;
  private final int rank;
  private final int workers;
  private final int timeoutSeconds;
  private final Operations operations;
  private final Operation.Outbox outbox = this::send;
  private final Object lock = new Object();

  // guarded by lock
  private final Queue<Operation> queue = new ArrayDeque<>();
  private final Backlog backlog;
  private final boolean[] gone;
  private final Standstill standstill;
  private boolean toldOfWaiting;
  private long submitted;
  private long finished;
  private ExchangeException failure;
  private boolean closed;

  private volatile long lastMoved = System.nanoTime();

  private RingExchange(Mesh mesh, int rank, int workers, ExchangeConfig config) {
    this.mesh = mesh;
    this.rank = rank;
    this.workers = workers;
    this.timeoutSeconds = config.timeoutSeconds();
    this.operations = new Operations(mesh, rank, workers, config);
    this.backlog = new Backlog(workers, mesh);
    this.gone = new boolean[workers];
    this.standstill = new Standstill(workers);
  }

  /**
   * Connects the tasks of a barrier stage; all of them must call it at the same point. The ranks
   * are the partition ids.
   *
   * @param conf the application's configuration: {@code spark.authenticate}, {@code
   *     spark.network.crypto.*} and {@code spark.talespark.io.*} (as {@code spark.shuffle.io.*})
   *     apply
   */
  public static Exchange connect(
      BarrierTaskContext context, SparkConf conf, ExchangeConfig config) {
    int workers = context.getTaskInfos().length;
    return workers == 1 ? new SingleWorker() : BarrierConnector.connect(context, conf, config);
  }

  /**
   * Connects a worker whose mesh listens already.
   *
   * @param mesh is closed with the exchange, also when connecting fails
   * @param run the same on all workers of this run, and on no other
   * @param addresses where each rank listens
   */
  static RingExchange join(
      Mesh mesh, UUID run, int rank, List<InetSocketAddress> addresses, ExchangeConfig config) {
    RingExchange exchange = new RingExchange(mesh, rank, addresses.size(), config);
    try {
      mesh.join(run, rank, addresses, exchange.new Arrivals(), config.timeoutSeconds());
    } catch (RuntimeException e) {
      mesh.close();
      throw e;
    }
    return exchange;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int workers() {
    return workers;
  }

  @Override
  public long bytesSent() {
    return mesh.bytesSent();
  }

  @Override
  public void allReduceSum(INDArray flat) {
    allReduceSumAsync(flat).await();
  }

  @Override
  public Pending allReduceSumAsync(INDArray flat) {
    FlatMemory array = FlatMemory.of(flat);
    synchronized (lock) {
      return submit(operations.sum(submitted, array));
    }
  }

  @Override
  public List<byte[]> allGather(byte[] mine) {
    checkGatherSize(mine.length);
    return share(Frame.Kind.GATHER, mine.clone(), "all-gather");
  }

  @Override
  public void barrier(String what) {
    requireNonNull(what, "what");
    List<byte[]> names = share(Frame.Kind.BARRIER, what.getBytes(UTF_8), "barrier '" + what + "'");
    for (int other = 0; other < workers; other++) {
      String name = new String(names.get(other), UTF_8);
      if (!name.equals(what)) {
        ExchangeException e =
            new ExchangeException(
                "Cannot pass barrier: rank %d is at '%s', rank %d at '%s', expected the same on all workers"
                    .formatted(rank, what, other, name),
                other);
        fail(e);
        throw e;
      }
    }
  }

  static void checkGatherSize(int bytes) {
    if (bytes > ExchangeConfig.MAX_GATHER_BYTES) {
      throw new IllegalArgumentException(
          "Cannot gather: bytes=%d, expected at most %d; try allReduceSum for arrays"
              .formatted(bytes, ExchangeConfig.MAX_GATHER_BYTES));
    }
  }

  private List<byte[]> share(Frame.Kind kind, byte[] mine, String name) {
    Queue<List<byte[]>> result = new ArrayDeque<>(1);
    Pending pending;
    synchronized (lock) {
      pending = submit(operations.share(submitted, kind, mine, name, result::add));
    }
    pending.await();
    synchronized (lock) {
      return result.remove();
    }
  }

  private Pending submit(Operation operation) {
    throwIfFailed();
    submitted++;
    queue.add(operation);
    if (queue.size() == 1) {
      begin(operation);
    }
    return () -> await(operation);
  }

  private void throwIfFailed() {
    if (failure != null) {
      throw failure.again();
    }
    if (closed) {
      throw new IllegalStateException("Cannot use an exchange that is closed: rank=" + rank);
    }
  }

  /** Starts the head of the queue and works in what has arrived for it. */
  private void begin(Operation operation) {
    moved();
    for (int other = 0; other < workers; other++) {
      if (gone[other]) {
        failAfterGoodbye("rank " + other + " has left the exchange", other);
        return;
      }
    }
    operation.start(outbox);
    backlog.drain(
        operation.sequence(),
        (frame, payload) -> {
          if (failure == null) {
            accept(operation, frame, payload);
          }
        });
    finishIfDone();
  }

  private void finishIfDone() {
    Operation operation = queue.peek();
    if (failure == null
        && operation != null
        && operation.received()
        && operation.unwritten() == 0) {
      queue.remove();
      finished++;
      operation.done().countDown();
      if (!queue.isEmpty()) {
        begin(queue.element());
      }
    }
  }

  private void send(Operation operation, int to, Frame frame, ByteBuf payload) {
    operation.sent();
    mesh.send(to, frame, payload, problem -> written(operation, to, frame, problem));
  }

  private void written(Operation operation, int to, Frame frame, Throwable problem) {
    synchronized (lock) {
      if (failure != null) {
        return;
      }
      moved();
      if (problem != null) {
        failNow("rank " + to + " cannot be reached any more: " + problem, to, problem);
      } else {
        operation.written(frame, outbox);
        finishIfDone();
      }
    }
  }

  private void moved() {
    lastMoved = System.nanoTime();
    toldOfWaiting = false;
  }

  private void accept(Operation operation, Frame frame, ByteBuffer payload) {
    try {
      operation.accept(frame, payload, outbox);
    } catch (Frame.Malformed e) {
      failNow("rank " + frame.rank() + " sent " + e.getMessage(), frame.rank(), e);
    }
  }

  /** Waits in slices, so that the limit is one on standstill and not on duration. */
  private void await(Operation operation) {
    long limit = TimeUnit.SECONDS.toNanos(timeoutSeconds);
    try {
      for (long left = limit / 2; !operation.done().await(left, TimeUnit.NANOSECONDS); ) {
        long idle = System.nanoTime() - lastMoved;
        if (idle >= limit / 2) {
          synchronized (lock) {
            if (idle >= limit) {
              timeOut();
            } else {
              tellOfWaiting();
            }
          }
        }
        left = Math.max(1, (idle < limit / 2 ? limit / 2 : limit) - idle);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      fail(
          new ExchangeException(
              "Cannot finish %s: rank %d was interrupted".formatted(operation.name(), rank),
              rank,
              e));
    }
    synchronized (lock) {
      if (operation.sequence() >= finished) {
        throw failure.again();
      }
    }
  }

  /** Lets the others know, once in a wait, that it is not this worker that stands still. */
  private void tellOfWaiting() {
    Operation current = queue.peek();
    if (failure == null && current != null && !current.received() && !toldOfWaiting) {
      toldOfWaiting = true;
      mesh.tell(mesh.frame(Frame.Kind.WAITING, current.sequence(), current.awaitedRank(), 0));
    }
  }

  private void timeOut() {
    Operation current = queue.peek();
    if (failure != null || current == null) {
      return;
    }
    String advice = "; try that worker's log, or a larger exchange.timeout_seconds";
    String waited = "rank %d waited %d s ".formatted(rank, timeoutSeconds);
    if (current.received()) {
      failNow(
          waited + "for other workers to accept %d frames".formatted(current.unwritten()) + advice,
          ExchangeException.NOBODY,
          null);
      return;
    }
    int awaited = current.awaitedRank();
    int root = standstill.root(awaited);
    String whom =
        "for rank %d (%s) to send %s".formatted(root, mesh.address(root), current.awaitedFrame());
    String chain = root == awaited ? "" : ", through rank %d, which waits too".formatted(awaited);
    failNow(waited + whom + chain + advice, root, null);
  }

  /** Ends the exchange, naming the operation under way. */
  private void failNow(String why, int blamed, Throwable cause) {
    fail(new ExchangeException(underWay() + ": " + why, blamed, cause));
  }

  /** The same when it was another worker that ended it. */
  private void failAfterGoodbye(String why, int blamed) {
    fail(ExchangeException.afterGoodbye(underWay() + ": " + why, blamed));
  }

  private String underWay() {
    Operation current = queue.peek();
    return current == null
        ? "Cannot go on exchanging"
        : "Cannot finish %s (operation %d, workers=%d)"
            .formatted(current.name(), current.sequence(), workers);
  }

  private void fail(ExchangeException e) {
    synchronized (lock) {
      if (failure != null) {
        return;
      }
      failure = e;
      LOG.warn("{}", e.getMessage());
      queue.forEach(operation -> operation.done().countDown());
      mesh.sayGoodbye(finished, e.rank(), e.getMessage());
    }
  }

  @Override
  public void close() {
    synchronized (lock) {
      if (closed) {
        return;
      }
      closed = true;
      if (failure == null && !queue.isEmpty()) {
        failNow("rank " + rank + " closed its exchange", rank, null);
      } else if (failure == null) {
        mesh.sayGoodbye(finished, ExchangeException.NOBODY, "");
      }
    }
    mesh.close();
  }

  /** What comes in from the network. */
  private final class Arrivals implements Mesh.Listener {
    @Override
    public void frame(Frame frame, ByteBuffer payload) {
      synchronized (lock) {
        if (failure == null) {
          switch (frame.kind()) {
            case GOODBYE -> left(frame, UTF_8.decode(payload).toString());
            case WAITING -> standstill.waits(frame.rank(), frame.total());
            default -> handOn(frame, payload, false);
          }
        }
      }
    }

    /** Gives a whole frame to the operation it belongs to, now or when that begins. */
    private void handOn(Frame frame, ByteBuffer payload, boolean owned) {
      moved();
      standstill.moved(frame.rank());
      Operation current = queue.peek();
      if (current != null && frame.sequence() == finished) {
        accept(current, frame, payload);
        finishIfDone();
      } else if (frame.sequence() == finished || frame.sequence() == finished + 1) {
        backlog.keep(frame, owned ? payload : Collector.copy(payload));
      } else {
        failNow(
            "rank %d sent a frame of operation %d, expected %d or the next"
                .formatted(frame.rank(), frame.sequence(), finished),
            frame.rank(),
            null);
      }
    }

    @Override
    public Inflow stream(Frame frame) {
      synchronized (lock) {
        Operation current = queue.peek();
        if (failure != null) {
          return Inflow.NOWHERE;
        }
        if (current == null || frame.sequence() != finished) {
          return new Collector(frame, this::collected);
        }
        try {
          return working(frame, current.open(frame, outbox));
        } catch (Frame.Malformed e) {
          failNow("rank " + frame.rank() + " sent " + e.getMessage(), frame.rank(), e);
          return Inflow.NOWHERE;
        }
      }
    }

    /** Takes the payload of an operation that had not begun when its frame came. */
    private void collected(Frame frame, ByteBuffer payload) {
      synchronized (lock) {
        if (failure == null) {
          handOn(frame, payload, true);
        }
      }
    }

    /** For a payload of the operation under way. */
    private Inflow working(Frame frame, Inflow inflow) {
      return new Inflow() {
        @Override
        public void take(ByteBuffer piece) {
          synchronized (lock) {
            if (failure == null) {
              moved();
              standstill.moved(frame.rank());
              inflow.take(piece);
            }
          }
        }

        @Override
        public void end() {
          synchronized (lock) {
            if (failure == null) {
              inflow.end();
              finishIfDone();
            }
          }
        }
      };
    }

    private void left(Frame goodbye, String reason) {
      int who = goodbye.rank();
      gone[who] = true;
      boolean early = !queue.isEmpty() && goodbye.sequence() <= finished;
      if (early || !reason.isEmpty()) {
        int blamed = goodbye.total() == 0 ? who : (int) Math.min(goodbye.total() - 1, workers - 1L);
        failAfterGoodbye(
            "rank %d left the exchange before operation %d%s"
                .formatted(who, goodbye.sequence(), reason.isEmpty() ? "" : ": " + reason),
            blamed);
      }
    }

    @Override
    public void lost(int who, String why) {
      synchronized (lock) {
        if (!gone[who] && failure == null && !closed) {
          gone[who] = true;
          failNow("lost rank %d (%s): %s".formatted(who, mesh.address(who), why), who, null);
        }
      }
    }
  }
}
