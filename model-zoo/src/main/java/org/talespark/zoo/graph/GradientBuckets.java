package org.talespark.zoo.graph;

import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The flat gradients cut into contiguous buckets, each announced when its last gradient is written.
 */
final class GradientBuckets {
  private final long[] offset; // by step: the bucket that completes there
  private final long[] length; // 0 where none does

  private GradientBuckets(int steps) {
    this.offset = new long[steps];
    this.length = new long[steps];
  }

  /**
   * Cuts buckets.
   *
   * @param readyStep by name of a parameter, the step that writes its gradient
   * @param leastBytes size of a bucket, except for the last
   */
  static GradientBuckets of(
      ParameterLayout layout,
      Map<String, Integer> readyStep,
      int steps,
      DataType type,
      long leastBytes) {
    GradientBuckets buckets = new GradientBuckets(steps);
    // a step can complete several buckets: then the earlier ones are merged into the last
    long from = 0;
    int step = -1;
    for (ParameterLayout.Slot slot : layout.slots()) {
      step = Math.max(step, readyStep.getOrDefault(slot.name(), steps - 1));
      long elements = slot.end() - from;
      boolean full = Views.bytes(type, elements) >= leastBytes;
      if ((full || slot.end() == layout.length()) && elements > 0) {
        long first = buckets.length[step] > 0 ? buckets.offset[step] : from;
        buckets.offset[step] = first;
        buckets.length[step] = slot.end() - first;
        from = slot.end();
      }
    }
    return buckets;
  }

  /** Tells the listener when a bucket is complete after this step. */
  void after(int step, GradientListener listener) {
    if (length[step] > 0) {
      listener.ready(offset[step], length[step]);
    }
  }
}
