package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.runtime.OpenMp;

/**
 * Kernels that do not depend on each other, shared out among threads. Each of them runs on one
 * thread alone: native libraries would otherwise start threads of their own beside.
 */
final class Parts {
  private static final ExecutorService HELPERS = Executors.newCachedThreadPool(Parts::helper);

  private Parts() {}

  /** Makes the kernel of the rows of one part. */
  @FunctionalInterface
  interface OfRows {
    Kernel kernel(int part, int from, int to);
  }

  /** Rows shared out among threads, none with fewer than {@code least}. */
  static Kernel ofRows(int rows, int least, OfRows part) {
    int count = most(rows, least);
    if (count == 1) {
      return part.kernel(0, 0, rows);
    }
    Kernel[] parts = new Kernel[count];
    for (int i = 0; i < count; i++) {
      parts[i] = part.kernel(i, bound(rows, count, i), bound(rows, count, i + 1));
    }
    return shared(parts, threads());
  }

  /** How many parts {@link #ofRows} makes. */
  static int most(int rows, int least) {
    return Math.max(1, Math.min(threads(), rows / least));
  }

  private static int bound(int rows, int count, int part) {
    return (int) ((long) rows * part / count);
  }

  /** Threads that one operation may use. */
  static int threads() {
    return Nd4j.getEnvironment().maxMasterThreads();
  }

  /** Runs an equal share of the parts on each thread, the first share on the caller's. */
  static Kernel shared(Kernel[] parts, int usualThreads) {
    int threads = Math.min(usualThreads, parts.length);
    return () -> {
      threadsOfAnOperation(1);
      List<CompletableFuture<Void>> others = new ArrayList<>(threads - 1);
      for (int t = 1; t < threads; t++) {
        int from = parts.length * t / threads;
        int to = parts.length * (t + 1) / threads;
        others.add(CompletableFuture.runAsync(() -> run(parts, from, to), HELPERS));
      }
      try {
        run(parts, 0, parts.length / threads);
      } finally {
        await(others); // nobody may write to the arrays before
        threadsOfAnOperation(usualThreads);
      }
    };
  }

  /** One kernel after the other. */
  static Kernel sequence(List<Kernel> kernels) {
    Kernel[] all = kernels.toArray(Kernel[]::new);
    return () -> run(all, 0, all.length);
  }

  private static void run(Kernel[] parts, int from, int to) {
    for (int i = from; i < to; i++) {
      parts[i].run();
    }
  }

  private static Thread helper(Runnable work) {
    Runnable alone =
        () -> {
          OpenMp.threadsOfThisThread(1);
          work.run();
        };
    Thread thread = new Thread(alone, "plan-part");
    thread.setDaemon(true);
    return thread;
  }

  /** For operations that this thread starts; ND4J's own count is one for all threads. */
  private static void threadsOfAnOperation(int threads) {
    Nd4j.getEnvironment().setMaxMasterThreads(threads);
    OpenMp.threadsOfThisThread(threads);
  }

  /** Waits for all, and then fails if any has failed. */
  private static void await(List<CompletableFuture<Void>> others) {
    CompletableFuture.allOf(others.toArray(CompletableFuture[]::new)).join();
  }
}
