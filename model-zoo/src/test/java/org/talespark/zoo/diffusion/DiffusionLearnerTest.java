package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.train.LearnerArrays.arrays;
import static org.talespark.zoo.train.LearnerArrays.assertSameBits;
import static org.talespark.zoo.train.LearnerArrays.copies;
import static org.talespark.zoo.train.LearnerArrays.largestDifference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.NonFiniteException;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.TrainedRun;

class DiffusionLearnerTest {
  private static final NoiseConfig COSINE = new NoiseConfig.Cosine(1000, 0.008, 0.999, false);

  private static Progress progress(long step) {
    return new Progress(step, 0);
  }

  // --- learning

  @ParameterizedTest
  @EnumSource
  void oneBatchIsOverfittedAndGivenBack(Prediction prediction) {
    DiffusionLearnerConfig config =
        Learners.config(Learners.uNet(8, 16), COSINE, prediction, new LossWeighting.None());
    Batch batch = Learners.batch(0, 0, 1);
    Batch repeated = repeated(batch, 8); // eight timesteps a step for the same picture
    try (Learner learner = config.create(Learners.context(8, DataType.FLOAT, Reducer.ALONE))) {
      double before = config.metrics(learner.evaluate(batch)).get(DiffusionMetrics.LOSS);
      for (int step = 0; step < 250; step++) {
        learner.step(repeated, progress(step));
      }
      double after = config.metrics(learner.evaluate(batch)).get(DiffusionMetrics.LOSS);
      assertThat(after).isLessThan(before / 4);
      float[][][] rows = learner.samples(repeated);
      assertThat(rows).hasDimensions(2, 8);
      double square = 0;
      for (float[] made : rows[1]) {
        for (int i = 0; i < made.length; i++) {
          double difference = made[i] - rows[0][0][i];
          square += difference * difference / made.length / 8;
        }
      }
      // a small error of the noise is a large one of the picture where there is little signal
      assertThat(Math.sqrt(square)).isLessThan(prediction == Prediction.EPSILON ? 0.6 : 0.3);
    }
  }

  private static Batch repeated(Batch batch, int times) {
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    float[] pictures = new float[times * batch.pictures().length];
    for (int i = 0; i < times; i++) {
      keys.add("copy-" + i);
      captions.add("");
      System.arraycopy(
          batch.pictures(), 0, pictures, i * batch.pictures().length, batch.pictures().length);
    }
    return new Batch(keys, pictures, captions);
  }

  @Test
  void theSameSeedGivesTheSameLossesToTheBit() {
    List<Map<String, Double>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      try (Learner learner = Learners.learner(3, DataType.FLOAT)) {
        for (int step = 0; step < 5; step++) {
          runs.add(learner.step(Learners.batch(step, 0, 3), progress(step)).losses());
        }
      }
    }
    assertThat(runs.subList(0, 5)).isEqualTo(runs.subList(5, 10));
    assertThat(runs.get(0).keySet())
        .containsExactly("loss", "squared_error", "gradient_norm", "learning_rate");
  }

  private static Stream<DenoiserConfig> kinds() {
    return Stream.of(Denoisers.uNet(0), Denoisers.dit(0));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void savedAndLoadedTrainingEqualsUninterrupted(DenoiserConfig kind) {
    DiffusionLearnerConfig config = Learners.config(kind);
    try (Learner whole = config.create(Learners.context(2, DataType.FLOAT, Reducer.ALONE));
        Learner resumed = config.create(Learners.context(2, DataType.FLOAT, Reducer.ALONE))) {
      for (int step = 0; step < 4; step++) {
        whole.step(Learners.batch(step, 0, 2), progress(step));
      }
      Map<String, INDArray> live = arrays(resumed);
      copies(whole).forEach((name, array) -> live.get(name).assign(array));
      resumed.restored(whole.counters());
      for (int step = 4; step < 8; step++) {
        Batch batch = Learners.batch(step, 0, 2);
        Map<String, Double> expected = whole.step(batch, progress(step)).losses();
        assertThat(resumed.step(batch, progress(step)).losses()).isEqualTo(expected);
      }
      assertSameBits(resumed, copies(whole));
      assertThat(resumed.counters()).isEqualTo(whole.counters());
      Batch held = Learners.batch(50, 0, 2);
      Map<String, double[]> expected = whole.evaluate(held);
      resumed
          .evaluate(held)
          .forEach((name, sum) -> assertThat(sum).as(name).isEqualTo(expected.get(name)));
      assertThat(Arrays.deepEquals(resumed.samples(held), whole.samples(held))).isTrue();
    }
  }

  // --- losses of a network that always says zero

  @ParameterizedTest
  @EnumSource
  void lossesAreTheWeightedSquaresOfWhatIsToBePredicted(Prediction prediction) {
    LossWeighting weighting = new LossWeighting.MinSnr(5);
    DiffusionLearnerConfig config =
        Learners.config(Learners.uNet(4, 8), COSINE, prediction, weighting);
    Batch batch = Learners.batch(2, 0, 3);
    TrainingNoise drawn =
        new TrainingNoise(11, 1000, 3, Learners.ELEMENTS, 0, new TimestepSampling.Uniform());
    drawn.draw(7, batch.keys());
    NoiseSchedule schedule = NoiseSchedule.of(COSINE);
    double weighted = 0;
    double plain = 0;
    for (int i = 0; i < batch.pictures().length; i++) {
      int t = drawn.timesteps()[i / Learners.ELEMENTS];
      Mix target = prediction.target(schedule, t);
      double wanted = target.first() * batch.pictures()[i] + target.second() * drawn.noise()[i];
      plain += wanted * wanted / batch.pictures().length;
      weighted +=
          wanted * wanted / batch.pictures().length * weighting.weight(schedule, prediction, t);
    }
    try (Learner learner = config.create(Learners.context(3, DataType.DOUBLE, Reducer.ALONE))) {
      learner.parameters().get(0).assign(0);
      Map<String, Double> losses = learner.step(batch, progress(7)).losses();
      assertThat(losses.get("loss")).isCloseTo(weighted, Offset.offset(1e-6 * weighted));
      assertThat(losses.get("squared_error")).isCloseTo(plain, Offset.offset(1e-6 * plain));
    }
  }

  @Test
  void heldOutLossesAreAtFixedTimestepsWithFixedNoise() {
    DiffusionLearnerConfig config = Learners.config();
    Batch batch = Learners.batch(3, 0, 2);
    NoiseSchedule schedule = NoiseSchedule.of(COSINE);
    float[] noise = new float[2 * Learners.ELEMENTS];
    NoiseKey.normals(batch.keys().stream().mapToLong(NoiseKey::evaluation).toArray(), 0, noise);
    try (Learner learner = Learners.learner(5, DataType.FLOAT)) {
      learner.ema().values().forEach(array -> array.assign(0));
      Map<String, Double> metrics = config.metrics(learner.evaluate(batch));
      double loss = 0;
      for (int t : new int[] {125, 375, 625, 875}) {
        double error = 0;
        for (int i = 0; i < noise.length; i++) {
          double v = schedule.alpha(t) * noise[i] - schedule.sigma(t) * batch.pictures()[i];
          error += v * v / noise.length;
        }
        assertThat(metrics.get("mse_at_" + t)).isCloseTo(error, Offset.offset(1e-5));
        loss += error / 4 * config.weighting().weight(schedule, config.prediction(), t);
      }
      assertThat(metrics.get("denoising_loss")).isCloseTo(loss, Offset.offset(1e-5));
      assertThat(metrics).hasSize(5);
      assertThat(config.bestMetric()).isEqualTo("denoising_loss");
      assertThat(config.higherIsBetter()).isFalse();
    }
  }

  @Test
  void evaluationsOfPartsAddUpToThatOfTheWhole() {
    try (Learner learner = Learners.learner(5, DataType.FLOAT)) {
      learner.step(Learners.batch(0, 0, 5), progress(0));
      Map<String, double[]> whole = learner.evaluate(Learners.batch(9, 0, 5));
      Map<String, double[]> sum = learner.evaluate(Learners.batch(9, 0, 2));
      learner
          .evaluate(Learners.batch(9, 2, 3))
          .forEach(
              (name, part) -> {
                for (int i = 0; i < part.length; i++) {
                  sum.get(name)[i] += part[i];
                }
              });
      whole.forEach(
          (name, expected) -> {
            for (int i = 0; i < expected.length; i++) {
              assertThat(sum.get(name)[i])
                  .as(name)
                  .isCloseTo(expected[i], Offset.offset(1e-5 * expected[i]));
            }
          });
    }
  }

  // --- averaged weights

  @Test
  void theAverageMovesAndIsTheOneSampledFrom() {
    Batch batch = Learners.batch(0, 0, 2);
    try (Learner learner = Learners.learner(2, DataType.FLOAT)) {
      INDArray average = learner.ema().get("conv_out.weight");
      INDArray before = average.dup();
      float[][][] first = learner.samples(batch);
      for (int step = 0; step < 5; step++) {
        learner.step(batch, progress(step));
      }
      assertThat(largestDifference(average, before)).isPositive();
      assertThat(largestDifference(average, learner.model().get("conv_out.weight"))).isPositive();
      float[][][] moved = learner.samples(batch);
      assertThat(moved[1][0]).isNotEqualTo(first[1][0]);
      learner.model().get("conv_out.weight").muli(3);
      assertThat(Arrays.deepEquals(learner.samples(batch), moved)).isTrue();
      average.muli(3);
      assertThat(learner.samples(batch)[1][0]).isNotEqualTo(moved[1][0]);
      assertThat(learner.samples(batch)[0][1])
          .isEqualTo(
              Arrays.copyOfRange(batch.pictures(), Learners.ELEMENTS, 2 * Learners.ELEMENTS));
    }
  }

  @Test
  void aReplicaThatStepsApartAveragesItsWeightsWhenItIsMerged() {
    try (Learner learner =
        Learners.config().create(Learners.context(2, DataType.DOUBLE, Reducer.apart(1, 2)))) {
      assertThat(learner.statistics()).isEmpty();
      INDArray average = learner.ema().get("conv_in.weight");
      INDArray before = average.dup();
      learner.step(Learners.batch(0, 0, 2), progress(0));
      learner.step(Learners.batch(1, 0, 2), progress(1));
      assertThat(largestDifference(average, before)).isZero();
      learner.parameters().get(0).assign(0.25);
      learner.merged(2);
      double kept = 1.0 / 10 * 2 / 11; // the decays of the first two updates
      assertThat(largestDifference(average, before.mul(kept).add(0.25 * (1 - kept))))
          .isLessThan(1e-15);
      assertThat(learner.counters()).containsEntry("ema", 2L).containsEntry("optimizer", 2L);
    }
  }

  // --- several workers

  /** On the same pictures whatever the number of workers. */
  private static TrainedRun train(DataType type, int workers, int steps) throws Exception {
    int each = 12 / workers;
    return TrainedRun.of(
        workers,
        steps,
        reducer -> Learners.config().create(Learners.context(each, type, reducer)),
        (step, rank) -> Learners.batch(step, rank * each, each));
  }

  @ParameterizedTest
  @CsvSource({"DOUBLE, 2, 20, 1e-8", "DOUBLE, 3, 8, 1e-11", "FLOAT, 2, 1, 1e-5"})
  void workersTrainAsOneWithTheWholeBatch(DataType type, int workers, int steps, double tolerance)
      throws Exception {
    TrainedRun one = train(type, 1, steps);
    TrainedRun several = train(type, workers, steps);
    several.assertLossesOf(one, tolerance);
    several
        .end()
        .forEach(
            (name, array) -> {
              INDArray expected = one.end().get(name);
              double norm =
                  Math.max(1e-30, expected.norm2Number().doubleValue()); // some are still zero
              double error = array.distance2(expected) / norm;
              assertThat(error).as(name).isLessThan(10 * tolerance);
            });
  }

  // --- what is not finite

  @Test
  void aPictureThatIsNotFiniteStopsTheRunByItsKeysAndUpdatesNothing() {
    try (Learner learner = Learners.learner(2, DataType.FLOAT)) {
      learner.step(Learners.batch(0, 0, 2), progress(0));
      Map<String, INDArray> before = copies(learner);
      Batch bad = Learners.batch(7, 0, 2);
      bad.pictures()[100] = Float.NaN;
      assertThatThrownBy(() -> learner.step(bad, progress(7)))
          .isInstanceOf(NonFiniteException.class)
          .hasMessageContaining("step=7 worker=0")
          .hasMessageContaining("[picture-7-0, picture-7-1]");
      assertSameBits(learner, before);
      assertThat(learner.counters()).containsEntry("optimizer", 1L).containsEntry("ema", 1L);
      assertThat(learner.step(Learners.batch(8, 0, 2), progress(8)).losses().values())
          .allMatch(Double::isFinite);
    }
  }

  // --- configuration

  @Test
  void combinationsThatCannotBeTrainedAreRefused() {
    NoiseConfig toZero = new NoiseConfig.Cosine(1000, 0.008, 0.999, true);
    assertThatThrownBy(
            () ->
                Learners.config(
                    Learners.uNet(4, 8), toZero, Prediction.EPSILON, new LossWeighting.None()))
        .hasMessageContaining("prediction=epsilon zero_terminal_snr=true");
    DiffusionLearnerConfig good = Learners.config();
    assertThatThrownBy(() -> with(good, 0, good.sampler()))
        .hasMessageContaining("evaluation_timesteps=0");
    assertThatThrownBy(() -> with(good, 4, new Sampler.Ddpm(1001, Spacing.TRAILING)))
        .hasMessageContaining("sampler.steps=1001");
    assertThat(with(good, 1, good.sampler()).evaluatedTimesteps()).containsExactly(500);
  }

  @ParameterizedTest
  @ValueSource(strings = {"unet", "dit"})
  void aNetworkThatReadsTextsIsRefusedByItsKey(String type) {
    DenoiserConfig model = type.equals("unet") ? Denoisers.uNet(5) : Denoisers.dit(5);
    assertThatThrownBy(() -> Learners.config(model))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("model.context_dimension=5, expected 0");
  }

  private static DiffusionLearnerConfig with(
      DiffusionLearnerConfig config, int evaluationTimesteps, Sampler sampler) {
    return new DiffusionLearnerConfig(
        config.model(),
        config.noise(),
        config.prediction(),
        config.weighting(),
        null,
        null,
        null,
        null,
        evaluationTimesteps,
        sampler,
        null,
        null,
        new OptimizerConfig.Adam(0.9, 0.99, 1e-8),
        config.schedule(),
        config.clipNorm(),
        config.emaDecay());
  }

  @Test
  void theMemoryReportNamesTheSizeOfTheModel() {
    try (Learner learner = Learners.learner(2, DataType.FLOAT)) {
      long parameters = learner.model().values().stream().mapToLong(INDArray::length).sum();
      assertThat(learner.memoryReport())
          .contains("diffusion model of %d parameters".formatted(parameters))
          .contains("evaluation: ");
    }
  }
}
