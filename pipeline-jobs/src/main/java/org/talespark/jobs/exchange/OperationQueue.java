package org.talespark.jobs.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operations of one worker, one after the other, and how they end: finished, or failed with all
 * that were still to come.
 *
 * <p>What a faster worker sends for the next operation is kept, up to a limit from which on this
 * worker stops reading from it; a worker cannot be further ahead than one operation, since every
 * operation needs something of every worker.
 */
final class OperationQueue {
  private static final Logger LOG = LoggerFactory.getLogger(OperationQueue.class);

  private final Mesh mesh;
  private final int rank;
  private final int workers;
  private final int timeoutSeconds;
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

  OperationQueue(Mesh mesh, int rank, int workers, int timeoutSeconds) {
    this.mesh = mesh;
    this.rank = rank;
    this.workers = workers;
    this.timeoutSeconds = timeoutSeconds;
    this.backlog = new Backlog(workers, mesh);
    this.gone = new boolean[workers];
    this.standstill = new Standstill(workers);
  }

  /** For what comes in from the network. */
  Mesh.Listener listener() {
    return new Arrivals();
  }

  /**
   * Adds an operation, made for the number that it gets.
   *
   * @throws ExchangeException when an earlier one has failed
   */
  Pending submit(LongFunction<Operation> making) {
    synchronized (lock) {
      throwIfFailed();
      Operation operation = making.apply(submitted);
      submitted++;
      queue.add(operation);
      if (queue.size() == 1) {
        begin(operation);
      }
      return () -> await(operation);
    }
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

  /** Fails what is under way and all that is still to come; the first failure counts. */
  void fail(ExchangeException e) {
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

  /** Says goodbye; operations that are still under way fail. */
  void close() {
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
