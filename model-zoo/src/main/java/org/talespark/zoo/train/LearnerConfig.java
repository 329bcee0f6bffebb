package org.talespark.zoo.train;

import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** What to train, and how its losses are made; the strategy around it is not its business. */
public interface LearnerConfig {

  /** The learner of one worker. */
  Learner create(LearnerContext context);

  /** Metrics from the sums of {@link Learner#evaluate}. */
  Map<String, Double> metrics(Map<String, double[]> sums);

  /** The metric by which checkpoints are compared; higher is better. */
  String bestMetric();

  /**
   * The configuration of the model alone, for the checkpoint's {@code config.json}.
   *
   * @param size pixels a side of the pictures it was trained on
   */
  Object modelConfig(int size);

  /** Completes what only the corpus can tell, once, before any worker starts. */
  default LearnerConfig completed(Supplier<Map<String, Long>> wordCounts) {
    return this;
  }

  /** The same with every URI made absolute, since workers have other working directories. */
  default LearnerConfig located(UnaryOperator<String> absolute) {
    return this;
  }
}
