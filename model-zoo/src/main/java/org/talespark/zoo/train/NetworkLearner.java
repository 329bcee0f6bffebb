package org.talespark.zoo.train;

import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A learner all of whose weights are those of one plan. */
public interface NetworkLearner extends Learner {
  /** What moves the weights. */
  Descent descent();

  @Override
  default Map<String, INDArray> model() {
    return descent().model();
  }

  @Override
  default Map<String, INDArray> ema() {
    return descent().ema();
  }

  @Override
  default Map<String, INDArray> state() {
    return descent().state();
  }

  @Override
  default Map<String, Long> counters() {
    return descent().counters();
  }

  @Override
  default void restored(Map<String, Long> counters) {
    descent().restored(counters);
  }

  @Override
  default List<INDArray> parameters() {
    return descent().parameters();
  }

  @Override
  default void merged(int steps) {
    descent().merged(steps);
  }
}
