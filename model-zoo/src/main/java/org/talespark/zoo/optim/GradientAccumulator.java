package org.talespark.zoo.optim;

import java.lang.ref.Reference;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Makes one gradient of several micro-batches: the mean over all their samples, which is the
 * gradient of the large batch when the loss is a mean over samples. Not for several threads.
 */
public final class GradientAccumulator {
  private final FlatArray sum;
  private final Blend blend;
  private FlatArray source;
  private FlatArray target;
  private long samples;

  /**
   * @param length elements of the flat gradients
   * @param type FLOAT or DOUBLE
   */
  public GradientAccumulator(long length, DataType type) {
    FlatArray.checkType("gradients", type);
    Checks.require(length > 0, "parameters", length, "at least one");
    this.sum = FlatArray.of("sum", Nd4j.create(type, length));
    this.blend = new Blend(type);
  }

  /**
   * Adds the mean gradient of one micro-batch.
   *
   * @param gradients flat, left as they are
   * @param count samples of the micro-batch, at least 1: its weight in the mean
   */
  public void add(INDArray gradients, long count) {
    if (count < 1) {
      throw new IllegalArgumentException(
          "Cannot accumulate gradients: samples=%d, expected at least 1".formatted(count));
    }
    source = FlatArray.rebind(source, "gradients", gradients, sum.type(), sum.length());
    try {
      blend.run(samples == 0 ? Blend.Mode.REPLACE : Blend.Mode.ADD, sum, source, (double) count);
    } finally {
      Reference.reachabilityFence(this);
    }
    samples += count;
  }

  /** Samples added since the last {@link #drainTo}. */
  public long samples() {
    return samples;
  }

  /**
   * Writes the mean over all samples, and starts anew.
   *
   * @param gradients flat; may be the array that the micro-batches used
   */
  public void drainTo(INDArray gradients) {
    if (samples == 0) {
      throw new IllegalStateException(
          "Cannot average gradients: samples=0, expected at least one micro-batch");
    }
    target = FlatArray.rebind(target, "gradients", gradients, sum.type(), sum.length());
    try {
      blend.run(Blend.Mode.REPLACE, target, sum, 1.0 / samples);
    } finally {
      Reference.reachabilityFence(this);
    }
    samples = 0;
  }
}
