package org.talespark.zoo.train;

import java.util.Collection;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Memory of one worker that grows with what is trained, in bytes. Weights that stay, such as those
 * under adapters, are none of it.
 *
 * @param weights everything that gradients move
 * @param gradients as many numbers
 * @param state the optimizer's moments, and whatever else belongs to {@link Learner#state}
 * @param averages averaged weights
 */
public record TrainedBytes(long weights, long gradients, long state, long averages) {

  /** Of a learner. */
  public static TrainedBytes of(Learner learner) {
    long weights = bytes(learner.parameters());
    return new TrainedBytes(
        weights, weights, bytes(learner.state().values()), bytes(learner.ema().values()));
  }

  private static long bytes(Collection<INDArray> arrays) {
    return arrays.stream().mapToLong(a -> a.length() * a.dataType().width()).sum();
  }
}
