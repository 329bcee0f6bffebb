package org.talespark.zoo.train;

import java.util.List;
import java.util.Map;

/** A loss or gradient that is not finite: training stops before it spoils the weights. */
public final class NonFiniteException extends RuntimeException {
  public NonFiniteException(long step, int worker, List<String> keys, Map<String, Double> losses) {
    super(
        "Cannot go on training: step=%d worker=%d losses=%s are not finite; samples %s. Try a lower train.learning_rate, a longer warm-up, or look at these samples"
            .formatted(step, worker, losses, keys));
  }
}
