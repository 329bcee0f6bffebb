package org.talespark.jobs.train;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.talespark.data.dataset.Shard;
import org.talespark.data.image.PictureException;
import org.talespark.zoo.train.Batch;

/**
 * A worker's batches, read, decoded and varied ahead of their use: {@code data.prefetch} of them on
 * {@code data.decode_threads} threads, and shards further ahead still. What a batch holds depends
 * on dataset, seed and position alone. One thread calls {@link #at}; the others read figures.
 *
 * <p>At level TRACE it logs the keys of each batch that is handed out.
 */
final class BatchLoader implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BatchLoader.class);

  /** Samples of this worker, ahead of which shards are asked for. */
  private static final int LOOK_AHEAD = 512;

  private static final long CLOSE_SECONDS = 10;

  /** A batch in the making. */
  private final class Ahead {
    private final long position;
    private final List<SampleOrder.Place> places = new ArrayList<>();
    private final String[] keys = new String[batch];
    private final String[] captions = new String[batch];
    private final float[] planes = new float[batch * pictureLength];
    private final List<Future<?>> parts = new ArrayList<>();

    Ahead(long position) {
      this.position = position;
      for (int i = 0; i < batch; i++) {
        long at = position + (long) rank * batch + i;
        int slot = i;
        SampleOrder.Place place = order.at(at);
        places.add(place);
        parts.add(
            threads.submit(
                () -> {
                  load(place, at, slot);
                  return null;
                }));
      }
    }

    private void load(SampleOrder.Place place, long at, int slot) throws InterruptedException {
      SampleStore.Stored stored = store.read(place, pictures);
      keys[slot] = stored.key();
      captions[slot] = stored.caption();
      if (pictures) {
        try {
          float[] picture =
              store.latent(stored, place).orElseGet(() -> augmenter.picture(stored.picture(), at));
          System.arraycopy(picture, 0, planes, slot * pictureLength, pictureLength);
        } catch (PictureException e) {
          throw store.undecodable(stored.key(), place, e);
        }
      }
    }

    boolean ready() {
      return parts.stream().allMatch(Future::isDone);
    }

    void cancel() {
      parts.forEach(part -> part.cancel(true));
    }

    /** Waits for all samples; of several failures it throws the first sample's. */
    Batch await() throws InterruptedException {
      for (int i = 0; i < parts.size(); i++) {
        try {
          parts.get(i).get(2L * timeoutSeconds, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
          throw e.getCause() instanceof RuntimeException cause
              ? cause
              : new IllegalStateException(
                  "Cannot load batch: position=%d shard=%s".formatted(position, uri(i)),
                  e.getCause());
        } catch (TimeoutException e) {
          throw new IllegalStateException(
              "Cannot load batch: position=%d, waited %d s for a sample of shard=%s; try a larger data.timeout_seconds or more data.decode_threads"
                  .formatted(position, 2L * timeoutSeconds, uri(i)),
              e);
        } catch (CancellationException e) {
          throw new IllegalStateException(
              "Cannot load batch: position=%d, the loader is closed".formatted(position), e);
        }
      }
      return new Batch(Arrays.asList(keys), planes, Arrays.asList(captions));
    }

    private String uri(int sample) {
      return store.shards().get(places.get(sample).shard()).uri();
    }
  }

  private final SampleStore store;
  private final SampleOrder order;
  private final Augmenter augmenter;
  private final int batch;
  private final int rank;
  private final int workers;
  private final boolean pictures;
  private final int pictureLength;
  private final int prefetch;
  private final int timeoutSeconds;
  private final ExecutorService threads;

  private final ArrayDeque<Ahead> queue = new ArrayDeque<>(); // guarded by itself
  private boolean closed; // guarded by the queue
  private long scouted = -1;
  private Ahead awaited; // guarded by the queue
  private final AtomicLong waitedNanos = new AtomicLong();

  /**
   * A loader for one worker.
   *
   * @param store training samples; stays open when this is closed
   * @param seed of order and variation, the same for all workers
   * @param batch samples a worker and step
   * @param pictures whether the learner looks at pictures; without them batches have none
   */
  BatchLoader(
      SampleStore store,
      TrainConfig.Data data,
      long seed,
      int batch,
      int rank,
      int workers,
      boolean pictures) {
    this.store = requireNonNull(store, "store");
    this.order = SampleOrder.of(store.shards(), seed, data.shuffleWindow());
    this.augmenter = new Augmenter(data, seed);
    this.batch = batch;
    this.rank = rank;
    this.workers = workers;
    this.pictures = pictures;
    this.pictureLength = pictures ? store.elements() : 0;
    this.prefetch = data.prefetch();
    this.timeoutSeconds = data.timeoutSeconds();
    AtomicInteger number = new AtomicInteger();
    this.threads =
        Executors.newFixedThreadPool(
            data.decodeThreads(),
            task -> {
              Thread thread =
                  new Thread(task, "batch-loader-%d-%d".formatted(rank, number.getAndIncrement()));
              thread.setDaemon(true);
              return thread;
            });
    checkCache(data.cache().bytes());
  }

  /** A cache that cannot hold what is in use reads the same shards over and over. */
  private void checkCache(long limit) {
    long shard = store.shards().stream().mapToLong(Shard::bytes).max().orElse(0);
    double share =
        order.lanes() == 1
            ? 1
            : Math.min(1, Math.max((double) batch / order.lanes(), 1.0 / workers));
    long need = (long) Math.ceil(order.shardsInUse() * share) * shard;
    if (need > limit) {
      LOG.warn(
          "Shards in use at a time may come to {} bytes, more than data.cache.bytes={}, and would be read again and again: raise it, or lower data.shuffle_window",
          need,
          limit);
    }
  }

  /**
   * This worker's part of the global batch that begins at a position of the sequence. Positions
   * that follow each other in steps of the global batch are ready ahead; any other begins anew.
   *
   * @throws org.talespark.data.BadInputException when a shard or picture of this batch cannot be
   *     used, naming it
   * @throws IllegalStateException when the wait for data comes to its limit
   */
  Batch at(long position) throws InterruptedException {
    if (Thread.interrupted()) { // also when there is nothing to wait for
      throw new InterruptedException("Interrupted before batch: position=" + position);
    }
    Ahead wanted;
    synchronized (queue) {
      if (queue.isEmpty() || queue.peek().position != position) {
        cancelAll();
        scouted = position;
      }
      fill(position);
      wanted = queue.remove();
      awaited = wanted;
      fill(position + global());
    }
    scout(position);
    long start = System.nanoTime();
    Batch result;
    try {
      result = wanted.await();
    } finally {
      waitedNanos.addAndGet(System.nanoTime() - start);
      wanted.cancel();
    }
    if (LOG.isTraceEnabled()) {
      LOG.trace("Batch position={} rank={} keys={}", position, rank, result.keys());
    }
    return result;
  }

  private long global() {
    return (long) batch * workers;
  }

  // callers hold the lock
  private void fill(long from) {
    if (closed) {
      throw new IllegalStateException(
          "Cannot load batch: position=%d, the loader is closed".formatted(from));
    }
    long next = queue.isEmpty() ? from : queue.getLast().position + global();
    while (queue.size() < prefetch) {
      queue.add(new Ahead(next));
      next += global();
    }
  }

  /** Asks for the shards of samples that come after those that are being decoded. */
  private void scout(long position) {
    long steps = Math.max(prefetch + 1L, (LOOK_AHEAD + batch - 1) / batch);
    long end = position + steps * global();
    for (; scouted < end; scouted += global()) {
      for (int i = 0; i < batch; i++) {
        store.prefetch(order.at(scouted + (long) rank * batch + i));
      }
    }
  }

  /** Batches that are ready to be taken. */
  int ready() {
    synchronized (queue) {
      return (int) queue.stream().filter(Ahead::ready).count();
    }
  }

  /** Seconds that {@link #at} has waited for data so far. */
  double waitedSeconds() {
    return waitedNanos.get() / 1e9;
  }

  // callers hold the lock
  private void cancelAll() {
    queue.forEach(Ahead::cancel);
    queue.clear();
  }

  /** Ends the threads; a waiting {@link #at} throws. The store stays open. */
  @Override
  public void close() {
    synchronized (queue) {
      closed = true;
      cancelAll();
      if (awaited != null) {
        awaited.cancel();
      }
    }
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("Loading samples did not end within {} s", CLOSE_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
