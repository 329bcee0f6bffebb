package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.InProcessWorkers;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NonFiniteException;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.vq.VectorQuantizer.Learning;

class VqLearnerTest {
  private static final int GLOBAL_BATCH = 16;

  private static Learner learner(VqLearnerConfig config, int batch, DataType type) {
    return config.create(Fixtures.context(batch, type, Reducer.ALONE));
  }

  private static Progress progress(long step) {
    return new Progress(step, Math.min(1, step / 100.0));
  }

  private static Map<String, INDArray> arrays(Learner learner) {
    Map<String, INDArray> all = new LinkedHashMap<>();
    learner.model().forEach((name, array) -> all.put("model/" + name, array));
    learner.ema().forEach((name, array) -> all.put("ema/" + name, array));
    learner.state().forEach((name, array) -> all.put("state/" + name, array));
    return all;
  }

  private static Map<String, INDArray> copies(Learner learner) {
    Map<String, INDArray> all = arrays(learner);
    all.replaceAll((name, array) -> array.dup());
    return all;
  }

  private static void load(
      Learner learner, Map<String, INDArray> saved, Map<String, Long> counters) {
    Map<String, INDArray> live = arrays(learner);
    assertThat(live.keySet()).isEqualTo(saved.keySet());
    saved.forEach((name, array) -> live.get(name).assign(array));
    learner.restored(counters);
  }

  private static double largestDifference(INDArray a, INDArray b) {
    return a.sub(b).amaxNumber().doubleValue();
  }

  private static double relative(INDArray a, INDArray b) {
    return a.distance2(b) / Math.max(1e-30, b.norm2Number().doubleValue());
  }

  private static void assertSameBits(Learner a, Map<String, INDArray> expected) {
    arrays(a)
        .forEach(
            (name, array) ->
                assertThat(largestDifference(array, expected.get(name))).as(name).isEqualTo(0.0));
  }

  // --- learning

  @ParameterizedTest
  @EnumSource
  void oneBatchIsOverfitted(Learning learning) {
    VqLearnerConfig config = Fixtures.plain(Fixtures.vqVae(learning));
    Batch batch = Fixtures.batch(0, 0, 2);
    try (Learner learner =
        config.create(Fixtures.context(2, DataType.FLOAT, Reducer.ALONE, 8e-3))) {
      double first = learner.step(batch, progress(0)).losses().get(VqPlans.TOTAL);
      double last = first;
      for (int step = 1; step < 120; step++) {
        last = learner.step(batch, progress(step)).losses().get(VqPlans.TOTAL);
      }
      assertThat(last).isLessThan(first / 5);
      Map<String, Double> metrics = config.metrics(learner.evaluate(batch));
      assertThat(metrics.get(VqMetrics.PSNR)).isGreaterThan(15);
      assertThat(metrics.get(VqMetrics.USAGE)).isBetween(0.1, 1.0);
      float[][][] rows = learner.samples(batch);
      assertThat(rows).hasDimensions(2, 2);
      assertThat(rows[0][1]).hasSize(3 * Fixtures.SIZE * Fixtures.SIZE);
    }
  }

  @Test
  void theSameSeedGivesTheSameLossesToTheBit() {
    List<Map<String, Double>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      try (Learner learner = learner(Fixtures.full(Learning.EMA), 2, DataType.FLOAT)) {
        for (int step = 0; step < 5; step++) {
          runs.add(learner.step(Fixtures.batch(step, 0, 2), progress(step)).losses());
        }
      }
    }
    assertThat(runs.subList(0, 5)).isEqualTo(runs.subList(5, 10));
    assertThat(runs.get(0).keySet())
        .containsExactly(
            "loss",
            "l1",
            "l2",
            "perceptual",
            "quantizer_loss",
            "generator_loss",
            "discriminator_loss",
            "adaptive_weight",
            "dead_codes",
            "gradient_norm",
            "learning_rate");
  }

  @ParameterizedTest
  @EnumSource
  void savedAndLoadedTrainingEqualsUninterrupted(Learning learning) {
    try (Learner whole = learner(Fixtures.full(learning), 2, DataType.FLOAT);
        Learner resumed = learner(Fixtures.full(learning), 2, DataType.FLOAT)) {
      for (int step = 0; step < 4; step++) {
        whole.step(Fixtures.batch(step, 0, 2), progress(step));
      }
      load(resumed, copies(whole), whole.counters());
      for (int step = 4; step < 8; step++) {
        Batch batch = Fixtures.batch(step, 0, 2);
        Map<String, Double> expected = whole.step(batch, progress(step)).losses();
        assertThat(resumed.step(batch, progress(step)).losses()).isEqualTo(expected);
      }
      assertSameBits(resumed, copies(whole));
      assertThat(resumed.counters()).isEqualTo(whole.counters());
      Batch held = Fixtures.batch(50, 0, 2);
      Map<String, double[]> expected = whole.evaluate(held);
      resumed.evaluate(held).forEach((k, v) -> assertThat(v).as(k).isEqualTo(expected.get(k)));
    }
  }

  // --- two networks that do not change each other

  @Test
  void theGeneratorsPlansLeaveTheDiscriminatorAsItIsAndTheReverse() {
    LearnerContext context = Fixtures.context(2, DataType.FLOAT, Reducer.ALONE);
    INDArray codes = Nd4j.rand(DataType.FLOAT, 10, 4);
    try (VqPlans plans = new VqPlans(Fixtures.full(Learning.EMA), context, codes)) {
      plans.autoencoder.fill(VqModel.PICTURES, Fixtures.batch(0, 0, 2).pictures());
      INDArray critic = plans.discriminator.parameters().flat();
      INDArray criticBefore = critic.dup();
      plans.discriminator.gradients().flat().assign(5);
      plans.autoencoder.runEarly();
      plans.reconstructionLoss.run();
      plans.critic.run();
      plans.autoencoder.input(VqPlans.SEED).assign(plans.critic.gradientOf(VqPlans.RECONSTRUCTION));
      plans.autoencoder.runLate((offset, length) -> {});
      assertThat(plans.autoencoder.gradients().flat().norm2Number().doubleValue()).isPositive();
      assertThat(largestDifference(critic, criticBefore)).isEqualTo(0.0);
      assertThat(plans.discriminator.gradients().flat().sub(5).amaxNumber().doubleValue())
          .isEqualTo(0.0);

      INDArray parameters = plans.autoencoder.parameters().flat().dup();
      INDArray gradients = plans.autoencoder.gradients().flat().dup();
      INDArray reconstruction = plans.autoencoder.output(VqPlans.RECONSTRUCTION).dup();
      plans.discriminator.run();
      assertThat(plans.discriminator.gradients().flat().norm2Number().doubleValue()).isPositive();
      assertThat(largestDifference(critic, criticBefore)).isEqualTo(0.0);
      assertThat(largestDifference(plans.autoencoder.parameters().flat(), parameters))
          .isEqualTo(0.0);
      assertThat(largestDifference(plans.autoencoder.gradients().flat(), gradients)).isEqualTo(0.0);
      assertThat(
              largestDifference(plans.autoencoder.output(VqPlans.RECONSTRUCTION), reconstruction))
          .isEqualTo(0.0);
    }
  }

  @Test
  void theDiscriminatorRestsUntilItsStartAndLearnsFromThereOn() {
    VqLearnerConfig config =
        Fixtures.config(
            Fixtures.vqGan(Learning.EMA),
            null,
            Fixtures.adversarial(PatchDiscriminator.Norm.NONE, 0.5));
    try (Learner learner = learner(config, 2, DataType.FLOAT)) {
      INDArray weight = learner.state().get("discriminator.1.weight");
      INDArray before = weight.dup();
      Batch batch = Fixtures.batch(0, 0, 2);
      assertThat(learner.step(batch, new Progress(0, 0.49)).losses())
          .doesNotContainKeys("generator_loss", "discriminator_loss", "adaptive_weight");
      assertThat(largestDifference(weight, before)).isEqualTo(0.0);
      assertThat(learner.step(batch, new Progress(1, 0.5)).losses())
          .containsKeys("generator_loss", "discriminator_loss", "adaptive_weight");
      assertThat(largestDifference(weight, before)).isPositive();
      assertThat(learner.counters()).containsEntry("autoencoder", 2L);
      assertThat(learner.counters()).containsEntry("discriminator", 1L);
    }
  }

  @Test
  void theAdversarialWeightGrowsLinearlyAfterItsStart() {
    VqLearnerConfig.Adversarial schedule =
        new VqLearnerConfig.Adversarial(
            AdversarialLoss.HINGE, 0.8, 0.25, 0.5, 4, PatchDiscriminator.Norm.NONE, 1e-3);
    assertThat(schedule.weightAt(0.2499)).isNegative();
    assertThat(schedule.weightAt(0.25)).isZero();
    assertThat(schedule.weightAt(0.5)).isCloseTo(0.4, Offset.offset(1e-12));
    assertThat(schedule.weightAt(0.75)).isCloseTo(0.8, Offset.offset(1e-12));
    assertThat(schedule.weightAt(1)).isCloseTo(0.8, Offset.offset(1e-12));
    assertThat(Fixtures.adversarial(PatchDiscriminator.Norm.NONE, 0).weightAt(0)).isEqualTo(0.8);
  }

  @Test
  void theAdaptiveWeightIsTheRatioOfTheLastLayersGradients() {
    VqLearnerConfig config =
        Fixtures.config(
            Fixtures.vqGan(Learning.EMA),
            null,
            Fixtures.adversarial(PatchDiscriminator.Norm.NONE, 0));
    Batch batch = Fixtures.batch(0, 0, 2);
    double reconstruction = lastLayerGradient(config, batch, false);
    double generator = lastLayerGradient(config, batch, true);
    try (Learner learner = learner(config, 2, DataType.DOUBLE)) {
      double adaptive = learner.step(batch, progress(0)).losses().get("adaptive_weight");
      assertThat(adaptive)
          .isCloseTo(reconstruction / (generator + 1e-4), Offset.offset(1e-9 * adaptive));
    }
  }

  /** In one graph of everything. */
  private static double lastLayerGradient(
      VqLearnerConfig config, Batch batch, boolean adversarial) {
    LearnerContext context = Fixtures.context(2, DataType.DOUBLE, Reducer.ALONE);
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, context.seed());
    VqModel model = config.model().build(layers, 2, Fixtures.SIZE);
    SDVariable y = model.reconstruction();
    SDVariable loss =
        adversarial
            ? config
                .adversarial()
                .loss()
                .generator(
                    ops, PatchDiscriminator.logits(layers, y, 4, PatchDiscriminator.Norm.NONE))
            : ops.meanAbsolute(y, model.pictures())
                .mul(config.l1Weight())
                .add(ops.meanSquare(y, model.pictures()).mul(config.l2Weight()));
    ops.name("loss", loss);
    String last = config.model().lastLayer();
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input(VqModel.PICTURES, 2, 3, Fixtures.SIZE, Fixtures.SIZE)
            .train(List.of(last))
            .losses("loss")
            .build()) {
      plan.fill(VqModel.PICTURES, batch.pictures());
      plan.run();
      return plan.gradients().flat().norm2Number().doubleValue();
    }
  }

  // --- several workers

  /** What each step of a run summed, reported and left behind. */
  private record Trace(
      List<List<INDArray>> sums,
      List<Map<String, Double>> losses,
      List<Map<String, INDArray>> after) {}

  /** Steps {@code from} to {@code to} with this many workers, on the same eight pictures a step. */
  private static Trace train(
      VqLearnerConfig config,
      DataType type,
      int globalBatch,
      int workers,
      int from,
      int to,
      Map<String, INDArray> start,
      Map<String, Long> counters)
      throws Exception {
    InProcessWorkers exchange = new InProcessWorkers(workers);
    Trace trace = new Trace(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    int batch = globalBatch / workers;
    List<Map<String, INDArray>> ends =
        exchange.run(
            reducer -> {
              int rank = reducer.rank();
              try (Learner learner = config.create(Fixtures.context(batch, type, reducer))) {
                if (start != null) {
                  load(learner, start, counters);
                }
                for (int step = from; step < to; step++) {
                  int already = exchange.sums().size();
                  Map<String, Double> losses =
                      learner
                          .step(Fixtures.batch(step, rank * batch, batch), progress(step))
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
      end.forEach(
          (name, array) ->
              assertThat(largestDifference(array, ends.get(0).get(name))).as(name).isEqualTo(0.0));
    }
    return trace;
  }

  /** Largest relative norm of the differences of what was exchanged in a step, as means. */
  private static double exchanged(Trace several, int workers, Trace one, int step) {
    List<INDArray> a = several.sums().get(step);
    List<INDArray> b = one.sums().get(step);
    assertThat(a).hasSameSizeAs(b);
    int statistics = 10 * (1 + 2 * 4);
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
    VqLearnerConfig config = Fixtures.full(learning);
    Trace one = train(config, DataType.FLOAT, GLOBAL_BATCH, 1, 0, 1, null, null);
    Trace several = train(config, DataType.FLOAT, GLOBAL_BATCH, workers, 0, 1, null, null);
    assertThat(exchanged(several, workers, one, 0)).isLessThanOrEqualTo(1e-5);

    // and in the middle of training, both from the same state
    try (Learner learner = learner(config, GLOBAL_BATCH, DataType.FLOAT)) {
      for (int step = 0; step < 10; step++) {
        learner.step(Fixtures.batch(step, 0, GLOBAL_BATCH), progress(step));
      }
      Map<String, INDArray> start = copies(learner);
      one = train(config, DataType.FLOAT, GLOBAL_BATCH, 1, 10, 11, start, learner.counters());
      several =
          train(config, DataType.FLOAT, GLOBAL_BATCH, workers, 10, 11, start, learner.counters());
      assertThat(exchanged(several, workers, one, 0)).isLessThanOrEqualTo(1e-5);
    }
  }

  @ParameterizedTest
  @EnumSource
  void twoWorkersReportWhatOneWithTheWholeBatchDoesInDouble(Learning learning) throws Exception {
    int workers = 2;
    int steps = 30;
    VqLearnerConfig config = Fixtures.full(learning);
    Trace one = train(config, DataType.DOUBLE, 8, 1, 0, steps, null, null);
    Trace two = train(config, DataType.DOUBLE, 8, workers, 0, steps, null, null);
    assertThat(exchanged(two, workers, one, 0)).isLessThanOrEqualTo(1e-12);
    for (int step = 0; step < steps; step++) {
      Map<String, Double> expected = one.losses().get(step);
      Map<String, Double> losses = two.losses().get(step);
      assertThat(losses.keySet()).isEqualTo(expected.keySet());
      for (String name : expected.keySet()) {
        assertThat(losses.get(name))
            .as("%s in step %d", name, step)
            .isCloseTo(
                expected.get(name),
                Offset.offset(1e-8 * Math.max(1, Math.abs(expected.get(name)))));
      }
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
   * For 30 steps: from then on the discriminator and the choice of codes blow rounding up, whatever
   * the exchange does.
   */
  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void lossCurvesDoNotDependOnTheNumberOfWorkersInDouble(int workers) throws Exception {
    VqLearnerConfig config = Fixtures.gentle();
    int steps = 30;
    Trace one = train(config, DataType.DOUBLE, GLOBAL_BATCH, 1, 0, steps, null, null);
    Trace several = train(config, DataType.DOUBLE, GLOBAL_BATCH, workers, 0, steps, null, null);
    assertThat(exchanged(several, workers, one, 0)).isLessThanOrEqualTo(1e-12);
    for (int step = 0; step < steps; step++) {
      Map<String, Double> expected = one.losses().get(step);
      Map<String, Double> losses = several.losses().get(step);
      for (String name : VqPlans.LOSSES) {
        if (expected.containsKey(name)) {
          double scale = Math.max(1, Math.abs(expected.get(name)));
          assertThat(losses.get(name))
              .as("%s in step %d", name, step)
              .isCloseTo(expected.get(name), Offset.offset(1e-8 * scale));
        }
      }
    }
  }

  @Test
  void batchStatisticsWithTwoWorkersAreRefused() {
    VqLearnerConfig config =
        Fixtures.config(
            Fixtures.vqGan(Learning.EMA),
            null,
            Fixtures.adversarial(PatchDiscriminator.Norm.BATCH, 0));
    Reducer two = new InProcessWorkers(2).reducer(0);
    assertThatThrownBy(() -> config.create(Fixtures.context(2, DataType.FLOAT, two)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("adversarial.norm=batch workers=2")
        .hasMessageContaining("use norm=none");
    try (Learner alone = learner(config, 2, DataType.FLOAT)) {
      assertThat(alone.step(Fixtures.batch(0, 0, 2), progress(0)).losses().values())
          .allMatch(Double::isFinite);
    }
  }

  // --- what is not finite

  @ParameterizedTest
  @EnumSource
  void inputThatIsNotFiniteStopsTheRunAndUpdatesNothing(Learning learning) {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      try (Learner learner = learner(Fixtures.full(learning), 2, DataType.FLOAT)) {
        learner.step(Fixtures.batch(0, 0, 2), progress(0));
        Map<String, INDArray> before = copies(learner);
        Map<String, Long> counters = learner.counters();
        Batch batch = Fixtures.batch(7, 0, 2);
        batch.pictures()[900] = bad;
        assertThatThrownBy(() -> learner.step(batch, progress(7)))
            .isInstanceOf(NonFiniteException.class)
            .hasMessageContaining("step=7 worker=0")
            .hasMessageContaining("[picture-7-0, picture-7-1]")
            .hasMessageContaining("train.learning_rate");
        assertSameBits(learner, before);
        assertThat(learner.counters()).isEqualTo(counters);
        // the same learner goes on with a good batch
        assertThat(learner.step(Fixtures.batch(8, 0, 2), progress(8)).losses().values())
            .allMatch(Double::isFinite);
      }
    }
  }
}
