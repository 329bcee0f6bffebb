package org.talespark.zoo.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.talespark.zoo.train.LearnerArrays.assertSameBits;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.assertj.core.data.Offset;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What training by some workers came to, for tests that compare numbers of workers.
 *
 * @param losses of each step
 * @param end all arrays at the end
 */
public record TrainedRun(List<Map<String, Double>> losses, Map<String, INDArray> end) {

  /** A worker's batch of a step. */
  @FunctionalInterface
  public interface Batches {
    Batch of(int step, int rank);
  }

  /** Trains a learner for each worker; they tell the same losses and stay equal to the bit. */
  public static TrainedRun of(
      int workers, int steps, Function<Reducer, Learner> learners, Batches batches)
      throws Exception {
    List<TrainedRun> runs =
        new InProcessWorkers(workers)
            .run(
                reducer -> {
                  List<Map<String, Double>> losses = new ArrayList<>();
                  try (Learner learner = learners.apply(reducer)) {
                    for (int step = 0; step < steps; step++) {
                      Batch batch = batches.of(step, reducer.rank());
                      losses.add(learner.step(batch, new Progress(step, 0)).losses());
                    }
                    return new TrainedRun(losses, LearnerArrays.copies(learner));
                  }
                });
    TrainedRun first = runs.get(0);
    for (TrainedRun run : runs) {
      assertThat(run.losses()).isEqualTo(first.losses());
      assertSameBits(run.end(), first.end());
    }
    return first;
  }

  /** Every loss of every step is another run's, up to tolerance (1 + its size). */
  public void assertLossesOf(TrainedRun other, double tolerance) {
    for (int step = 0; step < other.losses().size(); step++) {
      Map<String, Double> expected = other.losses().get(step);
      losses
          .get(step)
          .forEach(
              (name, value) ->
                  assertThat(value)
                      .as(name)
                      .isCloseTo(
                          expected.get(name),
                          Offset.offset(tolerance * (1 + Math.abs(expected.get(name))))));
    }
  }
}
