package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class NoiseScheduleTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  static Stream<NoiseSchedule> schedules() {
    return Schedules.all().stream();
  }

  // --- identities

  @ParameterizedTest
  @MethodSource("schedules")
  void closedFormNoisingEqualsIteratedNoising(NoiseSchedule schedule) {
    double factor = 1;
    double variance = 0;
    for (int t = 0; t < schedule.steps(); t++) {
      double kept = Math.sqrt(1 - schedule.beta(t)); // Eq. 2
      factor *= kept;
      variance = kept * kept * variance + schedule.beta(t);
      assertThat(schedule.alpha(t)).isCloseTo(factor, Offset.offset(1e-12));
      assertThat(schedule.variance(t)).isCloseTo(variance, Offset.offset(1e-12));
      assertThat(schedule.alphaBar(t) + schedule.variance(t)).isCloseTo(1, Offset.offset(1e-12));
      assertThat(schedule.sigma(t) * schedule.sigma(t))
          .isCloseTo(schedule.variance(t), Percentage.withPercentage(1e-12));
    }
    assertThat(schedule.alphaBar(NoiseSchedule.CLEAN)).isEqualTo(1);
    assertThat(schedule.sigma(NoiseSchedule.CLEAN)).isZero();
    assertThat(schedule.logSnr(NoiseSchedule.CLEAN)).isPositive().isInfinite();
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void thePosteriorIsThatOfBayesAndOfThePaper(NoiseSchedule schedule) {
    assertThat(schedule.qPosterior(0)).isEqualTo(new NoiseSchedule.Posterior(1, 0, 0));
    for (int t = 1; t < schedule.steps(); t++) {
      NoiseSchedule.Posterior posterior = schedule.qPosterior(t);
      double beta = schedule.beta(t);
      // q(x_t | x_s) q(x_s | x0), both normal: precisions add, means are weighted by them
      double precision = (1 - beta) / beta + 1 / schedule.variance(t - 1);
      Percentage rounding = Percentage.withPercentage(1e-8);
      assertThat(posterior.variance()).isCloseTo(1 / precision, rounding);
      assertThat(posterior.ofSample()).isCloseTo(Math.sqrt(1 - beta) / beta / precision, rounding);
      assertThat(posterior.ofData())
          .isCloseTo(schedule.alpha(t - 1) / schedule.variance(t - 1) / precision, rounding);
      // Eq. 7
      assertThat(posterior.ofData())
          .isCloseTo(schedule.alpha(t - 1) * beta / schedule.variance(t), rounding);
      assertThat(posterior.variance())
          .isCloseTo(schedule.variance(t - 1) / schedule.variance(t) * beta, rounding);
    }
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void thePosteriorOverSeveralTimestepsIsThatOfBayes(NoiseSchedule schedule) {
    int last = schedule.steps() - 1;
    for (int[] pair : new int[][] {{last, last - 7}, {last, 0}, {700, 3}, {700, 300}, {9, 2}}) {
      double kept = 1;
      double added = 0;
      for (int t = pair[1] + 1; t <= pair[0]; t++) {
        kept *= 1 - schedule.beta(t);
        added = (1 - schedule.beta(t)) * added + schedule.beta(t);
      }
      double precision = kept / added + 1 / schedule.variance(pair[1]);
      NoiseSchedule.Posterior posterior = schedule.qPosterior(pair[0], pair[1]);
      Offset<Double> rounding = Offset.offset(1e-12);
      assertThat(posterior.variance()).isCloseTo(1 / precision, rounding);
      assertThat(posterior.ofSample()).isCloseTo(Math.sqrt(kept) / added / precision, rounding);
      assertThat(posterior.ofData())
          .isCloseTo(schedule.alpha(pair[1]) / schedule.variance(pair[1]) / precision, rounding);
    }
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void signalFallsAndNoiseGrows(NoiseSchedule schedule) {
    for (int t = 0; t < schedule.steps(); t++) {
      assertThat(schedule.alphaBar(t)).isLessThan(schedule.alphaBar(t - 1));
      assertThat(schedule.sigma(t)).isGreaterThan(schedule.sigma(t - 1));
      assertThat(schedule.logSnr(t)).isLessThan(schedule.logSnr(t - 1));
      assertThat(schedule.snr(t))
          .isCloseTo(Math.exp(schedule.logSnr(t)), Offset.offset(1e-9 * (1 + schedule.snr(t))));
    }
  }

  // --- the schedules of the papers

  @Test
  void theLinearScheduleIsThatOfDdpm() {
    NoiseSchedule schedule = Schedules.LINEAR;
    assertThat(schedule.steps()).isEqualTo(1000);
    assertThat(schedule.beta(0)).isEqualTo(1e-4);
    assertThat(schedule.beta(999)).isEqualTo(0.02);
    assertThat(schedule.beta(333)).isCloseTo(1e-4 + 0.0199 / 3, Offset.offset(1e-15));
    assertThat(schedule.alphaBar(999)).isCloseTo(4.0358e-5, Offset.offset(1e-9));
  }

  @Test
  void theScaledLinearScheduleIsThatOfStableDiffusion() {
    NoiseSchedule schedule = Schedules.SCALED_LINEAR;
    assertThat(schedule.beta(0)).isCloseTo(0.00085, Offset.offset(1e-15));
    assertThat(schedule.beta(999)).isCloseTo(0.012, Offset.offset(1e-15));
    assertThat(schedule.alphaBar(0)).isCloseTo(0.99915, Offset.offset(1e-12));
    assertThat(schedule.alphaBar(999)).isCloseTo(0.00466, Offset.offset(1e-5));
  }

  @Test
  void theCosineScheduleFollowsTheCosineAndItsBetasAreClipped() {
    NoiseSchedule schedule = Schedules.COSINE;
    for (int t = 0; t < 999; t++) {
      double angle = ((t + 1) / 1000.0 + 0.008) / 1.008 * Math.PI / 2;
      double start = Math.cos(0.008 / 1.008 * Math.PI / 2);
      assertThat(schedule.alpha(t)).isCloseTo(Math.cos(angle) / start, Offset.offset(1e-12));
    }
    assertThat(schedule.beta(999)).isEqualTo(0.999);
  }

  @Test
  void rescalingEndsInNoiseAloneAndBeginsAsBefore() {
    for (NoiseSchedule[] pair :
        new NoiseSchedule[][] {
          {Schedules.LINEAR, Schedules.LINEAR_TO_ZERO}, {Schedules.COSINE, Schedules.COSINE_TO_ZERO}
        }) {
      NoiseSchedule before = pair[0];
      NoiseSchedule after = pair[1];
      assertThat(before.endsInNoiseAlone()).isFalse();
      assertThat(after.endsInNoiseAlone()).isTrue();
      assertThat(after.alpha(999)).isZero();
      assertThat(after.sigma(999)).isCloseTo(1, Offset.offset(1e-12));
      assertThat(after.logSnr(999)).isNegative().isInfinite();
      assertThat(after.alpha(0)).isEqualTo(before.alpha(0));
      double scale = before.alpha(0) / (before.alpha(0) - before.alpha(999));
      for (int t = 0; t < 1000; t++) {
        assertThat(after.alpha(t))
            .isCloseTo((before.alpha(t) - before.alpha(999)) * scale, Offset.offset(1e-12));
      }
    }
  }

  // --- pictures

  @Test
  void picturesAreNoisedEachAtItsOwnTimestep() {
    float[] pictures = {1, -0.5f, 0.25f, 0, -1, 0.75f};
    float[] noise = {0.1f, 0.2f, -0.3f, 2, -1, 0.5f};
    float[] out = new float[6];
    Schedules.COSINE.qSample(pictures, new int[] {10, 700}, noise, out);
    for (int i = 0; i < 6; i++) {
      int t = i < 3 ? 10 : 700;
      assertThat(out[i])
          .isEqualTo(
              (float)
                  (Schedules.COSINE.alpha(t) * pictures[i] + Schedules.COSINE.sigma(t) * noise[i]));
    }
  }

  // --- configuration

  @Test
  void configurationsAreReadWithThePapersNumbersWhereTheySayNothing() throws Exception {
    assertThat(JSON.readValue("{\"type\":\"linear\"}", NoiseConfig.class))
        .isEqualTo(new NoiseConfig.Linear(1000, 1e-4, 0.02, false));
    assertThat(JSON.readValue("{\"type\":\"scaled_linear\"}", NoiseConfig.class))
        .isEqualTo(new NoiseConfig.ScaledLinear(1000, 0.00085, 0.012, false));
    assertThat(
            JSON.readValue(
                "{\"type\":\"cosine\",\"steps\":400,\"zero_terminal_snr\":true}",
                NoiseConfig.class))
        .isEqualTo(new NoiseConfig.Cosine(400, 0.008, 0.999, true));
    assertThatThrownBy(
            () -> JSON.readValue("{\"type\":\"cosine\",\"step\":400}", NoiseConfig.class))
        .hasMessageContaining("step");
  }

  @Test
  void configurationsAreWrittenAsTheyAreRead() throws Exception {
    for (NoiseConfig config :
        List.of(
            new NoiseConfig.Linear(50, 1e-3, 0.3, false),
            new NoiseConfig.ScaledLinear(60, 1e-3, 0.3, true),
            new NoiseConfig.Cosine(70, 0.01, 0.9, true))) {
      String written = JSON.writeValueAsString(config);
      assertThat(JSON.readValue(written, NoiseConfig.class)).isEqualTo(config);
      assertThat(written).contains("zero_terminal_snr").doesNotContain("betas");
    }
  }

  @Test
  void aScheduleThatLeavesThePictureVisibleIsRefused() {
    assertThatThrownBy(() -> NoiseSchedule.of(new NoiseConfig.Linear(100, 1e-4, 0.02, false)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("steps=100")
        .hasMessageContaining("zero_terminal_snr=true");
    assertThat(NoiseSchedule.of(new NoiseConfig.Linear(100, 1e-4, 0.02, true)).steps())
        .isEqualTo(100);
  }

  @Test
  void numbersOutOfRangeAreRefusedByTheirKeys() {
    assertThatThrownBy(() -> new NoiseConfig.Linear(1, 1e-4, 0.02, false))
        .hasMessageContaining("steps=1");
    assertThatThrownBy(() -> new NoiseConfig.ScaledLinear(10, 0.3, 0.2, false))
        .hasMessageContaining("beta_start=0.3");
    assertThatThrownBy(() -> new NoiseConfig.Linear(10, 0.1, 1, false))
        .hasMessageContaining("beta_end=1.0");
    assertThatThrownBy(() -> new NoiseConfig.Cosine(10, -1, 0.999, false))
        .hasMessageContaining("offset=-1.0");
    assertThatThrownBy(() -> new NoiseConfig.Cosine(10, 0.008, 1, false))
        .hasMessageContaining("max_beta=1.0");
  }
}
