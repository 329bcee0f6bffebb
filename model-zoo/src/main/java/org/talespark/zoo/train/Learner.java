package org.talespark.zoo.train;

import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A model with all that trains it: one worker's replica. Replicas that start equal, see the parts
 * of the same batches and share a {@link Reducer} stay equal to the bit.
 */
public interface Learner extends AutoCloseable {

  /**
   * Forward, backward, reduction over the workers, clipping and update.
   *
   * @param batch exactly as many samples as the learner was made for
   * @throws NonFiniteException when losses or gradients are not finite; nothing was updated
   */
  StepResult step(Batch batch, Progress progress);

  /** Live arrays of the model's weights by tensor name, to save and to load into. */
  Map<String, INDArray> model();

  /** Live arrays of the averaged weights under the model's names; empty without averaging. */
  Map<String, INDArray> ema();

  /** Files of the model besides its weights, such as its tokenizer, by name; they never change. */
  default Map<String, byte[]> files() {
    return Map.of();
  }

  /** Live arrays of all else that training needs: optimizer state, other networks, statistics. */
  Map<String, INDArray> state();

  /** Numbers that belong to {@link #state()}. */
  Map<String, Long> counters();

  /** Takes these counters and whatever has been loaded into the live arrays. */
  void restored(Map<String, Long> counters);

  /** Live flat arrays of everything that gradients move. */
  List<INDArray> parameters();

  /**
   * Live flat arrays that are linear in the samples seen, such as running means: their mean over
   * replicas that stepped apart is what one replica would have with all the samples.
   */
  default List<INDArray> statistics() {
    return List.of();
  }

  /**
   * Takes what was assigned to {@link #parameters()} and {@link #statistics()} when replicas that
   * stepped apart ({@link Reducer#apart}) were merged; what follows from them is computed again.
   *
   * @param steps made since the last time
   */
  void merged(int steps);

  /** Takes weights that were loaded into {@link #model()} from another run as a beginning. */
  default void begun() {}

  /**
   * Sums over held-out samples with the averaged weights, to be added over batches and workers and
   * given to {@link LearnerConfig#metrics}.
   *
   * @param batch at most as many samples as the learner was made for
   */
  Map<String, double[]> evaluate(Batch batch);

  /**
   * The same for metrics that put samples beside others. Which others must depend on the sample and
   * on all of them alone, not on the batch, so that no division of the work changes the sums.
   *
   * @param all held-out samples of this evaluation, also those of other batches
   */
  default Map<String, double[]> evaluate(Batch batch, HeldOut all) {
    return evaluate(batch);
  }

  /**
   * What held-out samples are with the averaged weights, one row a sample, where metrics need all
   * of them together; put together over batches and workers and given to {@link
   * LearnerConfig#metrics(Map, SampleRows)}.
   *
   * @param batch at most as many samples as the learner was made for
   */
  default SampleRows evaluationRows(Batch batch) {
    return SampleRows.NONE;
  }

  /**
   * Pictures for people to look at, made from these samples: rows of [3, size, size] in [-1, 1],
   * each row one kind. Empty when the model makes no pictures.
   */
  float[][][] samples(Batch batch);

  /** What the plans need, for people. */
  String memoryReport();

  @Override
  void close();
}
