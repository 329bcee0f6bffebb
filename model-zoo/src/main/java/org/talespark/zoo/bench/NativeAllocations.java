package org.talespark.zoo.bench;

import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.memory.AllocationsTracker;

/**
 * Counts native memory that is allocated from Java: what JavaCPP registers and what ND4J tracks.
 * Both only tell what is held at a moment, so it first lets garbage go and then looks at each step.
 */
final class NativeAllocations {
  private static final int SETTLE_ATTEMPTS = 40;

  private long count;
  private long bytes;

  /** Runs a step this many times. */
  static NativeAllocations during(Runnable step, int times) {
    settle();
    NativeAllocations found = new NativeAllocations();
    for (int i = 0; i < times; i++) {
      long pointers = Pointer.totalCount();
      long registered = Pointer.totalBytes();
      long tracked = tracked();
      step.run();
      found.count += Math.max(0, Pointer.totalCount() - pointers);
      found.bytes += Math.max(0, Pointer.totalBytes() - registered);
      found.bytes += Math.max(0, tracked() - tracked);
    }
    return found;
  }

  long count() {
    return count;
  }

  long bytes() {
    return bytes;
  }

  /** Waits until collecting garbage frees no more native memory, two seconds at most. */
  private static void settle() {
    long before = Long.MAX_VALUE;
    for (int i = 0; i < SETTLE_ATTEMPTS; i++) {
      long now = Pointer.totalBytes() + tracked();
      if (now == before) {
        return;
      }
      before = now;
      System.gc();
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("Cannot count allocations: interrupted", e);
      }
    }
  }

  private static long tracked() {
    return AllocationsTracker.getInstance().bytesOnDevice(0);
  }
}
