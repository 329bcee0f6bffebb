package org.talespark.zoo.train;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** What to train, and how its losses are made; the strategy around it is not its business. */
public interface LearnerConfig {

  /** The learner of one worker. */
  Learner create(LearnerContext context);

  /** Metrics from the sums of {@link Learner#evaluate}. */
  Map<String, Double> metrics(Map<String, double[]> sums);

  /**
   * Metrics from those sums and from the rows of all held-out samples, {@link
   * Learner#evaluationRows}.
   */
  default Map<String, Double> metrics(Map<String, double[]> sums, SampleRows rows) {
    return metrics(sums);
  }

  /** The metric by which checkpoints are compared. */
  String bestMetric();

  /** Whether a higher value of that metric is better. */
  default boolean higherIsBetter() {
    return true;
  }

  /** Whether batches need decoded pictures, or their latents. */
  default boolean pictures() {
    return true;
  }

  /** The first stage whose latents are trained on in place of pictures, if there is one. */
  default Optional<FirstStage> firstStageOfPictures() {
    return Optional.empty();
  }

  /** The same with the space of its first stage's latents, once they are computed. */
  default LearnerConfig encoded(LatentSpace space) {
    throw new IllegalStateException("Cannot train on latents: no first stage is configured");
  }

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

  /** Whether a base's weights stay as they are, and only what is added to them is trained. */
  default boolean keepsBase() {
    return false;
  }

  /** That base, once it is known. */
  default Optional<FrozenBase> base() {
    return Optional.empty();
  }

  /**
   * The same on such a base.
   *
   * @param config its {@code config.json}
   */
  default LearnerConfig onBase(FrozenBase base, JsonNode config) {
    throw new IllegalStateException("Cannot keep a base: training begins with its weights");
  }
}
