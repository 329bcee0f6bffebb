package org.talespark.jobs.checkpoint;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps two runs from writing to one directory: the file {@code run.lock} names its holder and is
 * renewed by a thread. A lock that has not been renewed for its limit, or whose holder was a
 * process of this machine that is gone, is taken over.
 *
 * <p>File systems offer no compare-and-set, so a run first writes a claim under a name of its own,
 * then looks for anybody else's claim or lock, withdraws when there is one, and writes the lock
 * before it deletes its claim. Of two runs whose claims are both there each sees the other's or
 * comes too late to be overlooked; so at most one goes on wherever a listing shows what was written
 * before. Two that both withdraw try again after pauses of random length.
 *
 * <p>A holder that stood still for longer than the limit learns at its next renewal that another
 * one has taken over; {@link #check} and {@link #fence} come before every commit.
 */
public final class RunLock implements AutoCloseable {
  /** How long a lock counts without being renewed, unless said otherwise. */
  public static final Duration LIMIT = Duration.ofSeconds(60);

  private static final Logger LOG = LoggerFactory.getLogger(RunLock.class);
  private static final int RENEWALS_A_LIMIT = 6;
  private static final int TRIES = 6;
  private static final int PAUSE_MILLIS = 100;
  private static final int FENCE_READS = 50;

  private final LockFiles files;
  private final Clock clock;
  private final ScheduledExecutorService renewer;
  private final ScheduledFuture<?> renewal;
  private Lease lease; // guarded by this
  private volatile long renewed;
  private volatile String lost;

  private RunLock(LockFiles files, Clock clock) throws IOException {
    this.files = files;
    this.clock = clock;
    this.lease = obtain(files, clock);
    this.renewed = lease.heartbeat();
    this.renewer =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "run-lock");
              thread.setDaemon(true);
              return thread;
            });
    long period = Math.max(1, files.limit().toMillis() / RENEWALS_A_LIMIT);
    this.renewal = renewer.scheduleAtFixedRate(this::renew, period, period, TimeUnit.MILLISECONDS);
  }

  /**
   * Locks a run directory, creating it when needed.
   *
   * @param limit how long the lock counts without being renewed
   * @throws IllegalStateException when another run holds it; the message says which
   */
  public static RunLock acquire(FileSystem fs, Path runDirectory, Duration limit)
      throws IOException {
    return acquire(new Storage(fs), runDirectory, limit, Clock.systemUTC());
  }

  static RunLock acquire(Storage storage, Path runDirectory, Duration limit, Clock clock)
      throws IOException {
    storage.mkdirs(runDirectory);
    return new RunLock(new LockFiles(storage, runDirectory, limit), clock);
  }

  private static Lease obtain(LockFiles files, Clock clock) throws IOException {
    String owner = UUID.randomUUID().toString();
    for (int attempt = 1; ; attempt++) {
      Lease lease = Lease.mine(owner, clock.millis());
      Optional<LockFiles.Other> rival = claim(files, lease);
      if (rival.isEmpty()) {
        return lease;
      }
      boolean known = rival.get().isLock() && rival.get().lease().isPresent();
      if (known || attempt == TRIES) {
        throw held(files, rival.get().description());
      }
      pause(attempt);
    }
  }

  /** Makes the lock this run's, or says who else holds or wants it and leaves nothing behind. */
  private static Optional<LockFiles.Other> claim(LockFiles files, Lease lease) throws IOException {
    long begun = System.nanoTime();
    Path claim = files.claim(lease.owner());
    try {
      files.write(claim, lease);
      List<LockFiles.Other> others = files.others(lease.owner());
      Optional<LockFiles.Other> rival =
          others.stream()
              .filter(LockFiles.Other::counts)
              .reduce(
                  (one, other) -> one.isLock() ? one : other); // the lock says more than a claim
      if (rival.isEmpty()) {
        others.forEach(other -> LOG.warn("Taking over from a run that is gone: {}", other));
        take(files, lease, begun);
        for (LockFiles.Other stale : others) {
          if (!stale.isLock()) {
            files.storage().delete(stale.file(), false);
          }
        }
      }
      files.storage().delete(claim, false);
      return rival;
    } catch (IOException | RuntimeException e) {
      withdraw(files, lease, e);
      throw e;
    }
  }

  /** Writes the lock, which nobody else does while the claim counts. */
  private static void take(LockFiles files, Lease lease, long begun) throws IOException {
    try {
      files.write(files.lock(), lease);
      if (System.nanoTime() - begun > files.limit().toNanos() / 2) {
        throw new IOException(
            "Cannot lock %s: writing it took longer than %d s, half the time that a lock counts"
                .formatted(files.lock(), files.limit().toSeconds() / 2));
      }
    } catch (IOException | RuntimeException e) {
      try {
        files.release(lease.owner());
      } catch (IOException | RuntimeException second) {
        e.addSuppressed(second); // what is left lapses
      }
      throw e;
    }
  }

  private static void withdraw(LockFiles files, Lease lease, Exception failure) {
    try {
      files.storage().delete(files.claim(lease.owner()), false);
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private static void pause(int attempt) throws InterruptedIOException {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextInt(PAUSE_MILLIS << attempt) + 1L);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("Cannot lock the run directory: interrupted");
    }
  }

  private static IllegalStateException held(LockFiles files, String holder) {
    return new IllegalStateException(
        "Cannot start a run: %s is held by %s, expected one run at a time; try another --out, or wait %d s after that run has ended"
            .formatted(files.lock(), holder, files.limit().toSeconds()));
  }

  synchronized void renew() {
    try {
      Optional<Lease> holder = files.read(files.lock());
      if (holder.isPresent() && !holder.get().owner().equals(lease.owner())) {
        lost = "taken over by " + holder.get().description();
        renewal.cancel(false);
      } else {
        write(lease);
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("Could not renew {}: {}", files.lock(), e.toString());
    }
  }

  private synchronized void write(Lease next) throws IOException {
    long now = clock.millis();
    lease = next.renewed(now);
    files.write(files.lock(), lease);
    renewed = now;
  }

  /**
   * Makes sure that the lock still counts; call it before every commit.
   *
   * @throws FencedException when another run has taken it over, or when it could not be renewed for
   *     its limit
   */
  public void check() {
    if (lost != null) {
      throw new FencedException(
          "Cannot go on: %s was %s; try to stop one of the runs".formatted(files.lock(), lost));
    }
    long age = clock.millis() - renewed;
    if (age > files.limit().toMillis()) {
      throw new FencedException(
          "Cannot go on: %s was not renewed for %d ms, expected at most %d; try the log for why the file system refused"
              .formatted(files.lock(), age, files.limit().toMillis()));
    }
  }

  /**
   * Begins an attempt: fences made from earlier tokens let nobody through any more, whatever became
   * of the workers that hold them.
   *
   * @return the token of the new attempt, to be sent to its workers
   */
  public synchronized String newAttempt() throws IOException {
    check();
    write(lease.fencedAgain());
    return lease.token();
  }

  /**
   * The fence of an attempt, for any process.
   *
   * @param token from {@link #newAttempt}
   */
  public static Fence fence(FileSystem fs, Path runDirectory, String token) {
    return fence(new Storage(fs), runDirectory, token);
  }

  static Fence fence(Storage storage, Path runDirectory, String token) {
    LockFiles files = new LockFiles(storage, runDirectory, LIMIT);
    return () -> {
      for (int read = 1; ; read++) {
        Optional<Lease> holder = files.read(files.lock());
        if (holder.isPresent() && holder.get().token().equals(token)) {
          return;
        }
        // an empty or half-written lock is being renewed at this moment
        boolean unclear = holder.isEmpty() && storage.exists(files.lock());
        if (!unclear || read == FENCE_READS) {
          throw new FencedException(
              "Cannot go on writing: %s is of %s, expected attempt %s; this worker has outlived its run"
                  .formatted(
                      files.lock(),
                      holder.map(Lease::description).orElse("no run any more"),
                      token));
        }
        pause(1);
      }
    };
  }

  /** Releases the lock, if it is still this run's. */
  @Override
  public void close() {
    renewer.shutdownNow();
    synchronized (this) {
      try {
        files.release(lease.owner());
      } catch (IOException e) { // the run is over, and the lock lapses by itself
        LOG.warn("Could not release {}: {}", files.lock(), e.toString());
      }
    }
  }
}
