package org.talespark.data.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The same work over a range of numbers on some threads. */
final class Threads {

  /** Work on one number by one of the threads. */
  @FunctionalInterface
  interface Work {
    void on(int thread, int number) throws IOException;
  }

  private Threads() {}

  /** Runs the work on 0 to {@code count - 1}, thread {@code t} on every {@code threads}-th. */
  static void each(int threads, int count, Work work) throws IOException {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<?>> parts = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int first = t;
        parts.add(
            pool.submit(
                () -> {
                  for (int i = first; i < count; i += threads) {
                    work.on(first, i);
                  }
                  return null;
                }));
      }
      for (Future<?> part : parts) {
        part.get();
      }
    } catch (ExecutionException e) {
      throw new IOException("Cannot finish: a thread failed", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Cannot finish: interrupted", e);
    } finally {
      pool.shutdownNow();
    }
  }
}
