package org.talespark.zoo.train;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.zoo.graph.GradientListener;

/**
 * Averages a plan's flat gradients over the workers, bucket by bucket, while the backward pass goes
 * on: the listener of a run begins the sum of each bucket as it completes, and {@link #await} ends
 * them all. Every worker's plan completes its buckets in the same order.
 */
public final class GradientSums implements GradientListener {
  private final Reducer reducer;
  private final INDArray flat;
  private final Map<Long, INDArray> buckets = new HashMap<>();
  private final List<Reducer.Handle> begun = new ArrayList<>();

  /** Sums of these gradients. */
  public GradientSums(Reducer reducer, INDArray flat) {
    this.reducer = reducer;
    this.flat = flat;
  }

  @Override
  public void ready(long offset, long length) {
    INDArray bucket =
        buckets.computeIfAbsent(
            offset, o -> flat.get(NDArrayIndex.interval(offset, offset + length)));
    begun.add(reducer.begin(bucket));
  }

  /** Waits for all buckets; the gradients, now the mean over the workers. */
  public INDArray await() {
    begun.forEach(Reducer.Handle::await);
    begun.clear();
    if (reducer.workers() > 1) {
      flat.divi(reducer.workers());
    }
    return flat;
  }
}
