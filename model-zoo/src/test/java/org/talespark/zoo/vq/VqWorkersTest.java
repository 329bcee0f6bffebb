package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.train.LearnerArrays.assertSameBits;
import static org.talespark.zoo.train.LearnerArrays.copies;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.train.InProcessWorkers;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.vq.VectorQuantizer.Learning;

/** Several workers do what one with the whole batch does. */
class VqWorkersTest {
  private static final int GLOBAL_BATCH = 16;

  /** What all workers of a run share. */
  private record Setting(VqLearnerConfig config, DataType type, int globalBatch, double rate) {
    Learner learner(int batch, Reducer reducer) {
      return config.create(Fixtures.context(batch, type, reducer, rate));
    }
  }

  /** What each step of a run summed, reported and left behind. */
  private record Trace(
      List<List<INDArray>> sums,
      List<Map<String, Double>> losses,
      List<Map<String, INDArray>> after) {}

  /** Steps {@code from} to {@code to} with this many workers, on the same pictures a step. */
  private static Trace train(
      Setting setting,
      int workers,
      int from,
      int to,
      Map<String, INDArray> start,
      Map<String, Long> counters)
      throws Exception {
    InProcessWorkers exchange = new InProcessWorkers(workers);
    Trace trace = new Trace(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    int batch = setting.globalBatch() / workers;
    List<Map<String, INDArray>> ends =
        exchange.run(
            reducer -> {
              int rank = reducer.rank();
              try (Learner learner = setting.learner(batch, reducer)) {
                if (start != null) {
                  Fixtures.load(learner, start, counters);
                }
                for (int step = from; step < to; step++) {
                  int already = exchange.sums().size();
                  Map<String, Double> losses =
                      learner
                          .step(Fixtures.batch(step, rank * batch, batch), Fixtures.progress(step))
                          .losses();
                  if (rank == 0) {
                    List<INDArray> sums = exchange.sums();
                    trace.losses().add(losses);
                    trace.sums().add(List.copyOf(sums.subList(already, sums.size())));
                    trace.after().add(copies(learner));
                  }
                }
                return copies(learner);
              }
            });
    for (Map<String, INDArray> end : ends) { // replicas stay equal to the bit
      assertSameBits(end, ends.get(0));
    }
    return trace;
  }

  /** Largest relative norm of the differences of what was exchanged in a step, as means. */
  private static double exchanged(Trace several, int workers, Trace one, int step) {
    List<INDArray> a = several.sums().get(step);
    List<INDArray> b = one.sums().get(step);
    assertThat(a).hasSameSizeAs(b);
    int statistics = 16 * (1 + 2 * 4);
    double worst = 0;
    for (int i = 0; i < a.size(); i++) {
      assertThat(a.get(i).length()).isEqualTo(b.get(i).length());
      boolean sum = a.get(i).length() == statistics; // not a mean over the workers
      worst = Math.max(worst, relative(sum ? a.get(i) : a.get(i).div(workers), b.get(i)));
    }
    return worst;
  }

  @ParameterizedTest
  @CsvSource({"EMA, 2", "EMA, 4", "GRADIENT, 2", "GRADIENT, 4"})
  void workersExchangeTheGradientOfOneWithTheWholeBatchInFloat(Learning learning, int workers)
      throws Exception {
    Setting setting = new Setting(Fixtures.full(learning), DataType.FLOAT, GLOBAL_BATCH, 2e-3);
    Trace one = train(setting, 1, 0, 1, null, null);
    Trace several = train(setting, workers, 0, 1, null, null);
    assertThat(exchanged(several, workers, one, 0)).isLessThanOrEqualTo(1e-5);

    // and in the middle of training, both from the same state
    try (Learner learner = setting.learner(GLOBAL_BATCH, Reducer.ALONE)) {
      for (int step = 0; step < 10; step++) {
        learner.step(Fixtures.batch(step, 0, GLOBAL_BATCH), Fixtures.progress(step));
      }
      Map<String, INDArray> start = copies(learner);
      one = train(setting, 1, 10, 11, start, learner.counters());
      several = train(setting, workers, 10, 11, start, learner.counters());
      assertThat(exchanged(several, workers, one, 0)).isLessThanOrEqualTo(1e-5);
    }
  }

  @ParameterizedTest
  @EnumSource
  void twoWorkersReportWhatOneWithTheWholeBatchDoesInDouble(Learning learning) throws Exception {
    int workers = 2;
    int steps = 30;
    Setting setting = new Setting(Fixtures.full(learning), DataType.DOUBLE, 8, 2e-3);
    Trace one = train(setting, 1, 0, steps, null, null);
    Trace two = train(setting, workers, 0, steps, null, null);
    assertThat(exchanged(two, workers, one, 0)).isLessThanOrEqualTo(1e-12);
    for (int step = 0; step < steps; step++) {
      assertSameLosses(two, one, step, one.losses().get(step).keySet());
      Map<String, INDArray> after = one.after().get(step);
      for (Map.Entry<String, INDArray> e : two.after().get(step).entrySet()) {
        double error =
            e.getValue().distance2(after.get(e.getKey()))
                / Math.max(1e-3, after.get(e.getKey()).norm2Number().doubleValue());
        assertThat(error).as("%s after step %d", e.getKey(), step).isLessThanOrEqualTo(1e-8);
      }
    }
    assertThat(one.losses().get(steps - 1).get(VqPlans.TOTAL))
        .isLessThan(one.losses().get(0).get(VqPlans.TOTAL)); // it did learn
  }

  /**
   * A VQ-GAN with all losses, half of the steps with its discriminator: gentle enough that rounding
   * is not blown up by the two networks' game.
   */
  @Test
  void lossCurvesDoNotDependOnTheNumberOfWorkersInDouble() throws Exception {
    Setting setting = new Setting(Fixtures.gentle(), DataType.DOUBLE, GLOBAL_BATCH, 2e-4);
    int steps = 100;
    Trace one = train(setting, 1, 0, steps, null, null);
    for (int workers : new int[] {2, 4}) {
      Trace several = train(setting, workers, 0, steps, null, null);
      assertThat(exchanged(several, workers, one, 0)).isLessThanOrEqualTo(1e-12);
      for (int step = 0; step < steps; step++) {
        assertSameLosses(several, one, step, VqPlans.LOSSES);
      }
    }
    assertThat(one.losses().get(steps - 1)).containsKey("discriminator_loss");
    assertThat(one.losses().get(steps - 1).get(VqPlans.TOTAL))
        .isLessThan(0.9 * one.losses().get(0).get(VqPlans.TOTAL)); // it did learn
  }

  private static void assertSameLosses(
      Trace several, Trace one, int step, Collection<String> names) {
    Map<String, Double> expected = one.losses().get(step);
    Map<String, Double> losses = several.losses().get(step);
    assertThat(losses.keySet()).isEqualTo(expected.keySet());
    for (String name : names) {
      if (expected.containsKey(name)) {
        double scale = Math.max(1, Math.abs(expected.get(name)));
        assertThat(losses.get(name))
            .as("%s in step %d", name, step)
            .isCloseTo(expected.get(name), Offset.offset(1e-8 * scale));
      }
    }
  }

  @Test
  void batchStatisticsWithTwoWorkersAreRefused() {
    VqLearnerConfig config =
        Fixtures.config(
            Fixtures.vqGan(Learning.EMA),
            0,
            null,
            Fixtures.adversarial(PatchDiscriminator.Norm.BATCH, 0));
    Reducer two = new InProcessWorkers(2).reducer(0);
    assertThatThrownBy(() -> config.create(Fixtures.context(2, DataType.FLOAT, two)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("adversarial.norm=batch workers=2")
        .hasMessageContaining("use norm=none");
    try (Learner alone = config.create(Fixtures.context(2, DataType.FLOAT, Reducer.ALONE))) {
      assertThat(alone.step(Fixtures.batch(0, 0, 2), Fixtures.progress(0)).losses().values())
          .allMatch(Double::isFinite);
    }
  }

  private static double relative(INDArray a, INDArray b) {
    return a.distance2(b) / Math.max(1e-30, b.norm2Number().doubleValue());
  }
}
