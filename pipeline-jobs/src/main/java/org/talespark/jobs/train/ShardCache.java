package org.talespark.jobs.train;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Shard;

/**
 * Copies of shards on this machine's disk, of at most so many bytes together; the ones that were
 * not used for longest make room. A shard is read once, from begin to end, when it is first wanted:
 * copied, compared with the manifest's checksum and indexed in one pass, on threads of the cache.
 * What an earlier process left is never used.
 *
 * <p>Workers of one process that name the same directory share one cache; it is deleted when the
 * last of them has closed it.
 */
final class ShardCache implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ShardCache.class);

  /** The caches in use, by parent directory. */
  private static final Map<Path, ShardCache> SHARED = new HashMap<>();

  private static final int READERS = 2;

  /** Users hold a shard only while they read one sample. */
  private static final long ROOM_SECONDS = 60;

  private static final class Slot {
    final Shard shard;
    final CompletableFuture<CachedShard> loaded = new CompletableFuture<>();

    // guarded by the cache
    int users;
    boolean counted;
    boolean wanted;

    Slot(Shard shard) {
      this.shard = shard;
    }

    boolean idle() {
      return users == 0 && loaded.isDone() && !loaded.isCompletedExceptionally();
    }
  }

  /** A shard that stays while it is held. */
  final class Lease implements AutoCloseable {
    private final Slot slot;
    private final CachedShard shard;

    private Lease(Slot slot, CachedShard shard) {
      this.slot = slot;
      this.shard = shard;
    }

    CachedShard shard() {
      return shard;
    }

    @Override
    public void close() {
      release(slot);
    }
  }

  private final Path parent;
  private final ScratchDirectory directory;
  private final ShardFetcher fetcher;
  private final ExecutorService readers =
      Executors.newFixedThreadPool(
          READERS,
          task -> {
            Thread thread = new Thread(task, "shard-reader");
            thread.setDaemon(true);
            return thread;
          });

  // guarded by this; in the order of their use
  private final Map<Shard, Slot> slots = new LinkedHashMap<>(16, 0.75f, true);
  private long limit;
  private long used;
  private int waitingForRoom;
  private boolean closed;

  private int owners; // guarded by SHARED

  private ShardCache(Path parent, long limit) {
    this.parent = parent;
    this.limit = limit;
    this.directory = ScratchDirectory.below(parent);
    this.fetcher = new ShardFetcher(directory.path(), this::isClosed);
  }

  /**
   * The cache below a directory; of several limits the largest holds.
   *
   * @param limit bytes
   */
  static ShardCache share(Path parent, long limit) {
    Path key = requireNonNull(parent, "parent").toAbsolutePath().normalize();
    synchronized (SHARED) {
      ShardCache cache = SHARED.get(key);
      if (cache == null) {
        cache = new ShardCache(key, limit);
        SHARED.put(key, cache);
      }
      cache.owners++;
      cache.raise(limit);
      return cache;
    }
  }

  private synchronized void raise(long wanted) {
    limit = Math.max(limit, wanted);
  }

  /**
   * A shard to read from; read in now, when it is not there.
   *
   * @param most how long to wait for it
   * @throws BadInputException when the shard is missing, or not what the manifest says
   * @throws IllegalArgumentException when it is larger than the cache
   * @throws IllegalStateException when it does not come in time
   */
  Lease lease(Shard shard, Configuration hadoop, Duration most) throws InterruptedException {
    Slot slot;
    synchronized (this) {
      slot = slot(shard, hadoop, true);
      slot.users++;
      slot.wanted = true;
    }
    CachedShard loaded = null;
    try {
      loaded = slot.loaded.get(most.toMillis(), TimeUnit.MILLISECONDS);
      return new Lease(slot, loaded);
    } catch (TimeoutException e) {
      throw new IllegalStateException(
          "Cannot load samples: waited %d s for shard=%s of %d bytes; try a larger data.timeout_seconds, or smaller shards"
              .formatted(most.toSeconds(), shard.uri(), shard.bytes()),
          e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException("Cannot cache shard: shard=" + shard.uri(), e.getCause());
    } finally {
      if (loaded == null) {
        release(slot);
      }
    }
  }

  /** Begins to read a shard that will be wanted, if there is room for it. */
  synchronized void prefetch(Shard shard, Configuration hadoop) {
    if (!closed && shard.bytes() <= limit) {
      slot(shard, hadoop, false);
    }
  }

  /** Bytes of the copies that are there or on their way. */
  synchronized long usedBytes() {
    return used;
  }

  /** Shards read since the cache was opened, those read again included. */
  int shardsRead() {
    return fetcher.fetched();
  }

  // callers hold the lock
  private Slot slot(Shard shard, Configuration hadoop, boolean wantedNow) {
    if (closed) {
      throw new IllegalStateException("Cannot cache shard: the cache is closed");
    }
    Slot slot = slots.get(shard);
    if (slot != null) {
      return slot;
    }
    if (shard.bytes() > limit) {
      throw new IllegalArgumentException(
          "Cannot cache shard: shard=%s bytes=%d data.cache.bytes=%d, expected room for it; try a larger cache"
              .formatted(shard.uri(), shard.bytes(), limit));
    }
    Slot made = new Slot(shard);
    // nobody takes room before those who wait for it, since they stand before him with the readers
    if (waitingForRoom == 0 && makeRoom(shard.bytes(), !wantedNow)) {
      count(made);
    } else if (wantedNow) {
      waitingForRoom++;
    } else {
      return null;
    }
    slots.put(shard, made);
    readers.execute(() -> load(made, hadoop));
    return made;
  }

  private synchronized void release(Slot slot) {
    slot.users--;
    notifyAll();
  }

  /** A shard is there, and makes room when nobody uses it. */
  private synchronized void changed() {
    notifyAll();
  }

  private void count(Slot slot) {
    used += slot.shard.bytes();
    slot.counted = true;
  }

  /**
   * Removes idle shards until so many bytes have room.
   *
   * @param sparing whether shards that were read ahead and not used yet stay
   */
  private boolean makeRoom(long bytes, boolean sparing) {
    Iterator<Slot> oldest = slots.values().iterator();
    while (used + bytes > limit && oldest.hasNext()) {
      Slot slot = oldest.next();
      if (slot.idle() && (slot.wanted || !sparing)) {
        oldest.remove();
        used -= slot.shard.bytes();
        discard(slot.loaded.join());
      }
    }
    return used + bytes <= limit;
  }

  private static void discard(CachedShard shard) {
    try {
      shard.close();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot remove cached shard: shard=" + shard, e);
    }
  }

  /** On a thread of the cache. */
  private void load(Slot slot, Configuration hadoop) {
    try {
      await(slot);
      CachedShard shard = fetcher.fetch(slot.shard, hadoop);
      if (!slot.loaded.complete(shard)) {
        discard(shard); // closed meanwhile
      }
      changed();
    } catch (InterruptedException e) {
      fail(slot, new IllegalStateException("Cannot cache shard: the cache was closed", e));
    } catch (RuntimeException | Error e) {
      fail(slot, e);
    }
  }

  /** Forgets the slot, so that the shard can be asked for again, before anybody learns of it. */
  private void fail(Slot slot, Throwable cause) {
    synchronized (this) {
      slots.remove(slot.shard, slot);
      if (slot.counted) {
        used -= slot.shard.bytes();
      } else {
        waitingForRoom--;
      }
      notifyAll();
    }
    slot.loaded.completeExceptionally(cause);
  }

  /** Waits for room. */
  private synchronized void await(Slot slot) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(ROOM_SECONDS);
    while (!slot.counted) {
      if (makeRoom(slot.shard.bytes(), false)) {
        count(slot);
        waitingForRoom--;
      } else {
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (left <= 0) {
          throw new IllegalStateException(
              "Cannot cache shard: shard=%s bytes=%d used=%d data.cache.bytes=%d, waited %d s for room; try a larger cache"
                  .formatted(slot.shard.uri(), slot.shard.bytes(), used, limit, ROOM_SECONDS));
        }
        wait(left);
      }
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  /** Gives the cache up; the last one to do so ends its threads and deletes its files. */
  @Override
  public void close() {
    synchronized (SHARED) {
      if (--owners > 0) {
        return;
      }
      SHARED.remove(parent);
    }
    List<Slot> left;
    synchronized (this) {
      closed = true;
      left = List.copyOf(slots.values());
      slots.clear();
      used = 0;
    }
    readers.shutdownNow();
    for (Slot slot : left) {
      if (!slot.loaded.completeExceptionally(
              new IllegalStateException("Cannot cache shard: the cache was closed"))
          && !slot.loaded.isCompletedExceptionally()) {
        discard(slot.loaded.join());
      }
    }
    awaitReaders();
    directory.close();
  }

  private void awaitReaders() {
    try {
      if (!readers.awaitTermination(10, TimeUnit.SECONDS)) {
        LOG.warn("Reading a shard did not end within 10 s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
