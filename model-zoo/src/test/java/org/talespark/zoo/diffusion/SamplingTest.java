package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.talespark.zoo.nn.NoiseKey;

class SamplingTest {
  private static final Gaussian DATA = new Gaussian(0.3, 0.5);
  private static final double UNLIMITED = Double.POSITIVE_INFINITY;

  static Stream<Sampler> samplers() {
    return Stream.of(
        new Sampler.Ddpm(1000, Spacing.TRAILING),
        new Sampler.Ddpm(200, Spacing.LOG_SNR),
        new Sampler.Ddim(100, 0, Spacing.TRAILING),
        new Sampler.Ddim(100, 0.5, Spacing.TRAILING),
        new Sampler.Ddim(200, 1, Spacing.LOG_SNR),
        new Sampler.DpmSolver(20, Spacing.LOG_SNR),
        new Sampler.DpmSolver(50, Spacing.TRAILING));
  }

  private static long[] keys(int count) {
    return LongStream.range(0, count).map(i -> NoiseKey.sampling(4, "a fox", (int) i)).toArray();
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float v : values) {
      sum += v;
    }
    return sum / values.length;
  }

  private static double deviation(float[] values) {
    double mean = mean(values);
    double sum = 0;
    for (float v : values) {
      sum += (v - mean) * (v - mean);
    }
    return Math.sqrt(sum / values.length);
  }

  // --- what samplers make

  @ParameterizedTest
  @MethodSource("samplers")
  void everySamplerRecoversMeanAndVarianceOfTheData(Sampler sampler) {
    for (Prediction prediction : Prediction.values()) {
      NoiseSchedule schedule =
          prediction == Prediction.EPSILON ? Schedules.LINEAR : Schedules.COSINE_TO_ZERO;
      Sampling sampling = new Sampling(schedule, prediction, sampler, UNLIMITED);
      float[] made = sampling.generate(DATA.best(schedule, prediction), keys(100), 150);
      assertThat(mean(made)).as(prediction.name()).isCloseTo(0.3, Offset.offset(0.02));
      assertThat(deviation(made)).as(prediction.name()).isCloseTo(0.5, Offset.offset(0.02));
    }
  }

  @ParameterizedTest
  @MethodSource("samplers")
  void twoKindsOfDataComeInTheirProportions(Sampler sampler) {
    // a quarter around -1, three quarters around 1
    Gaussian low = new Gaussian(-1, 0.1);
    Gaussian high = new Gaussian(1, 0.1);
    NoiseSchedule schedule = Schedules.COSINE_TO_ZERO;
    Denoise best =
        (samples, t) -> {
          float[] out = new float[samples.length];
          double alpha = schedule.alpha(t);
          double variance = 0.01 * alpha * alpha + schedule.variance(t);
          for (int i = 0; i < out.length; i++) {
            double odds = Math.exp(-2 * alpha * samples[i] / variance) / 3; // low against high
            double share = odds == Double.POSITIVE_INFINITY ? 1 : odds / (1 + odds);
            double data =
                share * low.data(schedule, t, samples[i])
                    + (1 - share) * high.data(schedule, t, samples[i]);
            out[i] = (float) Gaussian.said(schedule, Prediction.V_PREDICTION, t, samples[i], data);
          }
          return out;
        };
    Sampling sampling = new Sampling(schedule, Prediction.V_PREDICTION, sampler, UNLIMITED);
    float[] made = sampling.generate(best, keys(100), 60);
    int lows = 0;
    int between = 0;
    for (float v : made) {
      lows += v < 0 ? 1 : 0;
      between += Math.abs(v) < 0.5 ? 1 : 0;
    }
    assertThat((double) lows / made.length).isCloseTo(0.25, Offset.offset(0.03));
    assertThat((double) between / made.length).isLessThan(0.01);
  }

  @Test
  void dpmSolverConvergesAtSecondOrderAndDdimAtFirst() {
    NoiseSchedule fine = NoiseSchedule.of(new NoiseConfig.Linear(20_000, 5e-6, 1e-3, false));
    List<Double> ddim = new ArrayList<>();
    List<Double> solver = new ArrayList<>();
    for (int steps : new int[] {20, 40, 80}) {
      ddim.add(error(fine, new Sampler.Ddim(steps, 0, Spacing.LOG_SNR)));
      solver.add(error(fine, new Sampler.DpmSolver(steps, Spacing.LOG_SNR)));
    }
    for (int i = 0; i < 2; i++) {
      assertThat(ddim.get(i) / ddim.get(i + 1)).as("DDIM %s", ddim).isBetween(1.7, 2.5);
      assertThat(solver.get(i) / solver.get(i + 1)).as("DPM-Solver %s", solver).isBetween(3.2, 5.0);
    }
    assertThat(solver.get(2)).isLessThan(ddim.get(2) / 10);
  }

  /** Root of the mean squared distance to where the probability flow ends. */
  private static double error(NoiseSchedule schedule, Sampler sampler) {
    long[] keys = keys(8);
    int n = 32;
    float[] start = new float[keys.length * n];
    NoiseKey.normals(keys, 0, start);
    Sampling sampling = new Sampling(schedule, Prediction.SAMPLE, sampler, UNLIMITED);
    float[] made = sampling.generate(DATA.best(schedule, Prediction.SAMPLE), keys, n);
    double sum = 0;
    for (int i = 0; i < made.length; i++) {
      double difference = made[i] - DATA.end(schedule, start[i]);
      sum += difference * difference;
    }
    return Math.sqrt(sum / made.length);
  }

  @Test
  void allPredictionsOfTheSameNetworkMakeTheSameSamples() {
    NoiseSchedule schedule = Schedules.LINEAR;
    Sampler sampler = new Sampler.DpmSolver(20, Spacing.LOG_SNR);
    float[] expected =
        new Sampling(schedule, Prediction.SAMPLE, sampler, UNLIMITED)
            .generate(DATA.best(schedule, Prediction.SAMPLE), keys(4), 30);
    for (Prediction prediction : Prediction.values()) {
      float[] made =
          new Sampling(schedule, prediction, sampler, UNLIMITED)
              .generate(DATA.best(schedule, prediction), keys(4), 30);
      for (int i = 0; i < made.length; i++) {
        assertThat(made[i]).isCloseTo(expected[i], Offset.offset(1e-3f));
      }
    }
  }

  // --- seeds

  @ParameterizedTest
  @MethodSource("samplers")
  void theSameKeysGiveTheSameSamplesToTheBitInAnyBatch(Sampler sampler) {
    NoiseSchedule schedule = Schedules.COSINE;
    Sampling sampling = new Sampling(schedule, Prediction.V_PREDICTION, sampler, 1);
    Denoise network = DATA.best(schedule, Prediction.V_PREDICTION);
    float[] all = sampling.generate(network, keys(6), 10);
    assertThat(sampling.generate(network, keys(6), 10)).isEqualTo(all);
    for (int i = 0; i < 6; i++) {
      float[] one = sampling.generate(network, new long[] {keys(6)[i]}, 10);
      assertThat(one).isEqualTo(Arrays.copyOfRange(all, 10 * i, 10 * (i + 1)));
    }
    assertThat(Arrays.copyOf(all, 10)).isNotEqualTo(Arrays.copyOfRange(all, 10, 20));
  }

  // --- guidance

  @Test
  void guidanceOfOneIsTheConditionalPredictionAndOfZeroTheOther() {
    Denoise conditional = (samples, t) -> new float[] {0.1f, 0.2f, 0.7f};
    Denoise unconditional = (samples, t) -> new float[] {0.3f, 0.6f, -0.9f};
    float[] x = new float[3];
    assertThat(Guidance.of(conditional, unconditional, 1).predict(x, 5))
        .isEqualTo(conditional.predict(x, 5));
    assertThat(Guidance.of(conditional, unconditional, 0).predict(x, 5))
        .isEqualTo(unconditional.predict(x, 5));
    float[] guided = Guidance.of(conditional, unconditional, 3).predict(x, 5);
    float[] expected = {-0.3f, -0.6f, 3.9f}; // u + 3 (c - u)
    for (int i = 0; i < 3; i++) {
      assertThat(guided[i]).isCloseTo(expected[i], Offset.offset(1e-6f));
    }
    for (double bad : new double[] {-1, Double.NaN, UNLIMITED}) {
      assertThatThrownBy(() -> Guidance.of(conditional, unconditional, bad))
          .hasMessageContaining("guidance=" + bad);
    }
  }

  @Test
  void guidanceTakesPredictionsThatShareAnArray() {
    float[] shared = new float[2];
    Denoise conditional =
        (samples, t) -> {
          Arrays.fill(shared, 2);
          return shared;
        };
    Denoise unconditional =
        (samples, t) -> {
          Arrays.fill(shared, 1);
          return shared;
        };
    assertThat(Guidance.of(conditional, unconditional, 4).predict(new float[2], 0))
        .containsExactly(5, 5);
  }

  @Test
  void guidanceMovesSamplesAwayFromTheUnconditionalOnes() {
    NoiseSchedule schedule = Schedules.COSINE_TO_ZERO;
    Denoise conditional = new Gaussian(0.5, 0.2).best(schedule, Prediction.V_PREDICTION);
    Denoise unconditional = new Gaussian(0, 0.6).best(schedule, Prediction.V_PREDICTION);
    Sampling sampling =
        new Sampling(
            schedule,
            Prediction.V_PREDICTION,
            new Sampler.DpmSolver(30, Spacing.LOG_SNR),
            UNLIMITED);
    double[] means = new double[3];
    for (int i = 0; i < 3; i++) {
      Denoise guided = Guidance.of(conditional, unconditional, i);
      means[i] = mean(sampling.generate(guided, keys(20), 50));
    }
    assertThat(means[0]).isCloseTo(0, Offset.offset(0.06));
    assertThat(means[1]).isCloseTo(0.5, Offset.offset(0.03));
    assertThat(means[2]).isGreaterThan(0.52);
  }

  // --- limits

  @Test
  void theLimitHoldsForWhatTheNetworkSees() {
    NoiseSchedule schedule = Schedules.COSINE;
    Denoise wild = new Gaussian(3, 0.1).best(schedule, Prediction.V_PREDICTION);
    Sampler sampler = new Sampler.Ddim(20, 0, Spacing.TRAILING);
    assertThat(mean(sample(schedule, sampler, UNLIMITED, wild))).isGreaterThan(2.9);
    for (float value : sample(schedule, sampler, 1, wild)) {
      assertThat(value).isBetween(0.99f, 1.0f);
    }
    assertThatThrownBy(() -> sample(schedule, sampler, 0, wild)).hasMessageContaining("clip=0.0");
  }

  private static float[] sample(
      NoiseSchedule schedule, Sampler sampler, double clip, Denoise network) {
    return new Sampling(schedule, Prediction.V_PREDICTION, sampler, clip)
        .generate(network, keys(2), 8);
  }

  @Test
  void aPredictionThatIsNotFiniteOrOfAnotherSizeStopsTheSampling() {
    NoiseSchedule schedule = Schedules.COSINE;
    Sampler sampler = new Sampler.Ddim(20, 0, Spacing.TRAILING);
    assertThatThrownBy(
            () ->
                sample(
                    schedule,
                    sampler,
                    1,
                    (samples, t) -> {
                      float[] out = new float[samples.length];
                      out[3] = t < 700 ? Float.NaN : 0;
                      return out;
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("prediction=NaN at timestep=699 element=3");
    assertThatThrownBy(() -> sample(schedule, sampler, 1, (samples, t) -> new float[5]))
        .hasMessageContaining("predicted=5 values at timestep 999, expected 16");
  }

  @Test
  void combinationsThatCannotSampleAreRefused() {
    Sampler sampler = new Sampler.Ddim(20, 0, Spacing.TRAILING);
    assertThatThrownBy(() -> new Sampling(Schedules.COSINE_TO_ZERO, Prediction.EPSILON, sampler, 1))
        .hasMessageContaining("zero_terminal_snr");
    assertThatThrownBy(
            () ->
                new Sampling(
                    Schedules.COSINE,
                    Prediction.EPSILON,
                    new Sampler.Ddpm(2000, Spacing.TRAILING),
                    1))
        .hasMessageContaining("sampler.steps=2000");
  }
}
