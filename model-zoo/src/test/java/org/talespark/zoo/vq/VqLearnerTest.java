package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.train.LearnerArrays.assertSameBits;
import static org.talespark.zoo.train.LearnerArrays.copies;
import static org.talespark.zoo.train.LearnerArrays.largestDifference;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NonFiniteException;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.vq.VectorQuantizer.Learning;

class VqLearnerTest {
  private static Learner learner(VqLearnerConfig config, int batch, DataType type) {
    return config.create(Fixtures.context(batch, type, Reducer.ALONE));
  }

  // --- learning

  @ParameterizedTest
  @EnumSource
  void oneBatchIsOverfitted(Learning learning) {
    VqLearnerConfig config = Fixtures.plain(Fixtures.vqVae(learning));
    Batch batch = Fixtures.batch(0, 0, 2);
    try (Learner learner =
        config.create(Fixtures.context(2, DataType.FLOAT, Reducer.ALONE, 8e-3))) {
      double first = learner.step(batch, Fixtures.progress(0)).losses().get(VqPlans.TOTAL);
      double last = first;
      for (int step = 1; step < 120; step++) {
        last = learner.step(batch, Fixtures.progress(step)).losses().get(VqPlans.TOTAL);
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
          runs.add(learner.step(Fixtures.batch(step, 0, 2), Fixtures.progress(step)).losses());
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
            "equivariance_loss",
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
        whole.step(Fixtures.batch(step, 0, 2), Fixtures.progress(step));
      }
      Fixtures.load(resumed, copies(whole), whole.counters());
      for (int step = 4; step < 8; step++) {
        Batch batch = Fixtures.batch(step, 0, 2);
        Map<String, Double> expected = whole.step(batch, Fixtures.progress(step)).losses();
        assertThat(resumed.step(batch, Fixtures.progress(step)).losses()).isEqualTo(expected);
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
    INDArray codes = Nd4j.rand(DataType.FLOAT, 16, 4);
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
            0,
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
            0,
            null,
            Fixtures.adversarial(PatchDiscriminator.Norm.NONE, 0));
    Batch batch = Fixtures.batch(0, 0, 2);
    double reconstruction = lastLayerGradient(config, batch, false);
    double generator = lastLayerGradient(config, batch, true);
    try (Learner learner = learner(config, 2, DataType.DOUBLE)) {
      double adaptive = learner.step(batch, Fixtures.progress(0)).losses().get("adaptive_weight");
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

  // --- what is not finite

  @ParameterizedTest
  @EnumSource
  void inputThatIsNotFiniteStopsTheRunAndUpdatesNothing(Learning learning) {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      try (Learner learner = learner(Fixtures.full(learning), 2, DataType.FLOAT)) {
        learner.step(Fixtures.batch(0, 0, 2), Fixtures.progress(0));
        Map<String, INDArray> before = copies(learner);
        Map<String, Long> counters = learner.counters();
        Batch batch = Fixtures.batch(7, 0, 2);
        batch.pictures()[900] = bad;
        assertThatThrownBy(() -> learner.step(batch, Fixtures.progress(7)))
            .isInstanceOf(NonFiniteException.class)
            .hasMessageContaining("step=7 worker=0")
            .hasMessageContaining("[picture-7-0, picture-7-1]")
            .hasMessageContaining("train.learning_rate");
        assertSameBits(learner, before);
        assertThat(learner.counters()).isEqualTo(counters);
        // the same learner goes on with a good batch
        assertThat(learner.step(Fixtures.batch(8, 0, 2), Fixtures.progress(8)).losses().values())
            .allMatch(Double::isFinite);
      }
    }
  }
}
