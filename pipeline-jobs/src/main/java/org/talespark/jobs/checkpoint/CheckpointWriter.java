package org.talespark.jobs.checkpoint;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes checkpoints while training goes on: the caller's thread copies the files into memory, a
 * thread of this writer's stores and commits them, runs what follows a commit, and prunes. One
 * checkpoint at a time: the next one waits for the one under way.
 *
 * <p>The copy takes as much native memory as the files are long, and keeps it for the next one.
 * Where that would be more than half of what JavaCPP's limits leave, files are written from where
 * they are instead, before {@link #begin} returns.
 *
 * <p>All methods are for one thread, the trainer's.
 */
public final class CheckpointWriter implements AutoCloseable {
  /** What follows a commit. Runs on the writer's thread, so it must hold what it needs itself. */
  @FunctionalInterface
  public interface FollowUp {
    /**
     * Writes what may not be there before the checkpoint is.
     *
     * @return steps whose checkpoints stay besides the newest ones: the best
     */
    Set<Long> committed(Checkpoint checkpoint) throws IOException;
  }

  private record Commit(long step, Future<Checkpoint> result) {}

  private static final Logger LOG = LoggerFactory.getLogger(CheckpointWriter.class);
  private static final int CLOSE_SECONDS = 30;

  private final CheckpointStore store;
  private final int keepLast;
  private final Duration limit;
  private final Snapshot snapshot;
  private final ExecutorService thread;
  private Commit underWay;
  private Checkpoint last;
  private Throwable failure;
  private long failedStep;
  private boolean toldMemory;

  /**
   * Starts no thread and takes no memory before the first checkpoint.
   *
   * @param store with the fence of this attempt
   * @param keepLast how many of the newest checkpoints stay
   * @param limit how long {@link #await} waits for a commit; the other workers wait as long for
   *     this one, so it should be the exchange's timeout
   */
  public CheckpointWriter(CheckpointStore store, int keepLast, Duration limit) {
    this(store, keepLast, limit, Snapshot.roomBytes());
  }

  CheckpointWriter(CheckpointStore store, int keepLast, Duration limit, long memoryLimit) {
    this.store = requireNonNull(store, "store");
    this.keepLast = keepLast;
    this.limit = requireNonNull(limit, "limit");
    this.snapshot = new Snapshot(memoryLimit);
    this.thread =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread writer = new Thread(task, "checkpoint-writer");
              writer.setDaemon(true);
              return writer;
            });
  }

  /**
   * Waits for the checkpoint under way, copies the files and begins to write them. When this
   * returns, the arrays behind the files may change. An intact checkpoint of this step that is
   * there already is left as it is.
   *
   * @param files by name; each is asked for its bytes once, during this call
   * @throws IOException when a checkpoint could not be committed; no other one can be begun then
   */
  public void begin(long step, Map<String, FileBody> files, FollowUp followUp)
      throws IOException, InterruptedException {
    requireNonNull(followUp, "followUp");
    await();
    Optional<Map<String, FileBody>> copies = snapshot.take(files);
    tellMemory(copies.isPresent());
    Map<String, FileBody> bodies = copies.orElse(files);
    underWay = new Commit(step, thread.submit(() -> commit(step, bodies, followUp)));
    if (copies.isEmpty()) {
      await();
    }
  }

  private void tellMemory(boolean copied) {
    if (!toldMemory && copied) {
      LOG.info("Checkpoints are copied: memory={} MiB", snapshot.bytes() >> 20);
    } else if (!toldMemory) {
      LOG.warn(
          "Checkpoints are written while training waits: they are larger than the memory left for copies; try a larger org.bytedeco.javacpp.maxbytes and maxphysicalbytes");
    }
    toldMemory = true;
  }

  private Checkpoint commit(long step, Map<String, FileBody> files, FollowUp followUp)
      throws IOException {
    Optional<Checkpoint> there = store.intact(step, file -> true);
    Checkpoint checkpoint = there.isPresent() ? there.get() : store.write(step, files);
    store.prune(keepLast, followUp.committed(checkpoint));
    return checkpoint;
  }

  /**
   * Waits until the checkpoint under way is committed.
   *
   * @return the newest checkpoint that this writer has committed
   * @throws IOException when it could not be committed, or not within the limit
   * @throws FencedException when another run or attempt has taken over
   */
  public Optional<Checkpoint> await() throws IOException, InterruptedException {
    if (underWay != null) {
      try {
        last = underWay.result().get(limit.toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException e) {
        fail(e.getCause());
      } catch (TimeoutException e) {
        fail(
            new IOException(
                "it is not stored after %d s; try a larger exchange.timeout_seconds, or the file system's log"
                    .formatted(limit.toSeconds()),
                e));
        thread.shutdownNow();
      }
      underWay = null;
    }
    throwIfFailed();
    return Optional.ofNullable(last);
  }

  /**
   * Throws what {@link #await} would if the checkpoint under way has failed already; costs nothing
   * otherwise. For every step, so that a full disk ends the run soon.
   */
  public void check() throws IOException, InterruptedException {
    if (underWay != null && underWay.result().isDone()) {
      await();
    }
    throwIfFailed();
  }

  private void fail(Throwable cause) {
    failure = cause;
    failedStep = underWay.step();
  }

  private void throwIfFailed() throws IOException {
    if (failure instanceof FencedException fenced) {
      throw fenced;
    }
    if (failure != null) {
      String message =
          "Cannot commit checkpoint: step=%d, %s".formatted(failedStep, failure.getMessage());
      throw new IOException(message, failure);
    }
  }

  /** What the copies take of native memory, in bytes. */
  public long memoryBytes() {
    return snapshot.bytes();
  }

  /**
   * Ends the writer. A checkpoint under way gets half a minute to be committed, also when the
   * trainer has failed or is interrupted: whatever is committed need not be trained again.
   */
  @Override
  public void close() {
    thread.shutdown();
    boolean interrupted = false;
    boolean ended = false;
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
    while (!ended && System.nanoTime() < end) {
      try {
        ended = thread.awaitTermination(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (ended) {
      snapshot.close();
    } else { // the thread still reads the copies: they stay until it ends with the process
      LOG.warn("Gave the checkpoint under way up: waited {} s more", CLOSE_SECONDS);
      thread.shutdownNow();
    }
    tellOfUnawaited(ended);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void tellOfUnawaited(boolean ended) {
    if (underWay != null && ended) {
      try {
        LOG.info("Committed {}", underWay.result().get());
      } catch (ExecutionException | CancellationException e) {
        LOG.warn("Could not commit the checkpoint of step {}", underWay.step(), e);
      } catch (InterruptedException e) {
        throw new AssertionError("a result that is there needs no waiting", e);
      }
    }
    underWay = null;
  }
}
