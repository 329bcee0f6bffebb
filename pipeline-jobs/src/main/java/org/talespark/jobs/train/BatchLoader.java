package org.talespark.jobs.train;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.talespark.zoo.train.Batch;

/** A worker's batches, decoded one step ahead on a thread of its own. */
final class BatchLoader implements AutoCloseable {
  private final SampleStore store;
  private final SampleOrder order;
  private final TrainConfig.Data data;
  private final int batch;
  private final int rank;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread t = new Thread(task, "batch-loader");
            t.setDaemon(true);
            return t;
          });
  private final int workers;
  private Future<Batch> ahead;
  private long aheadPosition = -1;

  BatchLoader(
      SampleStore store,
      SampleOrder order,
      TrainConfig.Data data,
      int batch,
      int rank,
      int workers) {
    this.store = store;
    this.order = order;
    this.data = data;
    this.batch = batch;
    this.rank = rank;
    this.workers = workers;
  }

  /** This worker's part of the global batch that begins at a position of the sequence. */
  Batch at(long position) throws InterruptedException {
    Future<Batch> wanted = aheadPosition == position ? ahead : submit(position);
    Batch result;
    try {
      result = wanted.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException("Cannot load batch: position=" + position, e.getCause());
    }
    aheadPosition = position + (long) batch * workers;
    ahead = submit(aheadPosition);
    return result;
  }

  private Future<Batch> submit(long position) {
    return thread.submit(() -> load(position + (long) rank * batch));
  }

  private Batch load(long first) {
    List<Integer> samples = new ArrayList<>();
    boolean[] flips = new boolean[batch];
    for (int i = 0; i < batch; i++) {
      samples.add(order.at(first + i));
      flips[i] = data.flip() && order.flipped(first + i);
    }
    return load(store, samples, flips, data.size());
  }

  /** The given samples as one batch. */
  static Batch load(SampleStore store, List<Integer> samples, boolean[] flips, int size) {
    int perPicture = 3 * size * size;
    float[] pictures = new float[samples.size() * perPicture];
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      float[] picture = store.picture(samples.get(i), size);
      if (flips[i]) {
        mirror(picture, size);
      }
      System.arraycopy(picture, 0, pictures, i * perPicture, perPicture);
      keys.add(store.key(samples.get(i)));
      captions.add(store.caption(samples.get(i)));
    }
    return new Batch(keys, pictures, captions);
  }

  private static void mirror(float[] picture, int size) {
    for (int row = 0; row < picture.length; row += size) {
      for (int i = row, j = row + size - 1; i < j; i++, j--) {
        float swap = picture[i];
        picture[i] = picture[j];
        picture[j] = swap;
      }
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
