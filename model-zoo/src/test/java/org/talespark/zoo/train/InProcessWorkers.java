package org.talespark.zoo.train;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Workers in one process, one a thread, who sum in memory; remembers what was summed. */
public final class InProcessWorkers {
  private final CyclicBarrier barrier;
  private final INDArray[] parts;
  private final List<INDArray> sums = new ArrayList<>();
  private INDArray total;

  /** What one worker does. */
  @FunctionalInterface
  public interface Work<T> {
    /** All of a worker's steps. */
    T run(Reducer reducer) throws Exception;
  }

  /** So many workers. */
  public InProcessWorkers(int workers) {
    barrier = new CyclicBarrier(workers);
    parts = new INDArray[workers];
  }

  /** What each worker answers, in the order of ranks. */
  public <T> List<T> run(Work<T> work) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(parts.length);
    try {
      List<Future<T>> futures = new ArrayList<>();
      for (int r = 0; r < parts.length; r++) {
        Reducer reducer = reducer(r);
        futures.add(threads.submit(() -> work.run(reducer)));
      }
      List<T> answers = new ArrayList<>();
      for (Future<T> future : futures) {
        answers.add(future.get());
      }
      return answers;
    } finally {
      threads.shutdownNow();
    }
  }

  /** All sums so far, in order; for rank 0 while the workers run. */
  public List<INDArray> sums() {
    return Collections.unmodifiableList(sums);
  }

  /** That of one worker. */
  public Reducer reducer(int rank) {
    return new Reducer() {
      @Override
      public int rank() {
        return rank;
      }

      @Override
      public int workers() {
        return parts.length;
      }

      @Override
      public void sum(INDArray flat) {
        parts[rank] = flat;
        await();
        if (rank == 0) {
          INDArray sum = parts[0].dup();
          for (int r = 1; r < parts.length; r++) {
            sum.addi(parts[r]);
          }
          total = sum;
          sums.add(sum);
        }
        await();
        flat.assign(total);
        await();
      }
    };
  }

  private void await() {
    try {
      barrier.await(60, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException("Cannot exchange: another worker failed", e);
    }
  }
}
