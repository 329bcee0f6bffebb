package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SamplerTest {
  private static final Offset<Double> ROUNDING = Offset.offset(1e-12);

  static Stream<NoiseSchedule> schedules() {
    return Schedules.all().stream();
  }

  // --- weights of a step

  @ParameterizedTest
  @MethodSource("schedules")
  void ddimWithEtaOneHasTheVarianceAndMeanOfDdpm(NoiseSchedule schedule) {
    for (int count : new int[] {1000, 50, 7}) {
      Sampler ddpm = new Sampler.Ddpm(count, Spacing.TRAILING);
      Sampler ddim = new Sampler.Ddim(count, 1, Spacing.TRAILING);
      forEachStep(
          ddpm.timesteps(schedule),
          (before, t, next) -> {
            Sampler.Step expected = ddpm.step(schedule, before, t, next);
            Sampler.Step step = ddim.step(schedule, before, t, next);
            assertThat(step.ofNoise()).isEqualTo(expected.ofNoise());
            assertThat(step.ofSample()).isCloseTo(expected.ofSample(), ROUNDING);
            assertThat(step.ofData()).isCloseTo(expected.ofData(), ROUNDING);
          });
    }
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void ddimsWeightsAreThoseOfItsPaper(NoiseSchedule schedule) {
    double eta = 0.6;
    Sampler sampler = new Sampler.Ddim(20, eta, Spacing.TRAILING);
    forEachStep(
        sampler.timesteps(schedule),
        (before, t, next) -> {
          double picture = 0.3;
          double noise = -0.8;
          double sample = schedule.alpha(t) * picture + schedule.sigma(t) * noise;
          double a = schedule.alphaBar(t);
          double b = schedule.alphaBar(next);
          double sigma = eta * Math.sqrt((1 - b) / (1 - a)) * Math.sqrt(1 - a / b); // Eq. 16
          double expected = Math.sqrt(b) * picture + Math.sqrt(1 - b - sigma * sigma) * noise;
          Sampler.Step step = sampler.step(schedule, before, t, next);
          assertThat(step.ofSample() * sample + step.ofData() * picture)
              .isCloseTo(expected, Offset.offset(1e-9));
          assertThat(step.ofNoise()).isCloseTo(sigma, Offset.offset(1e-9));
          assertThat(step.ofEarlierData()).isZero();
        });
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void theFirstAndLastStepsOfDpmSolverAreThoseOfDdim(NoiseSchedule schedule) {
    Sampler ddim = new Sampler.Ddim(20, 0, Spacing.LOG_SNR);
    Sampler solver = new Sampler.DpmSolver(20, Spacing.LOG_SNR);
    int[] timesteps = solver.timesteps(schedule);
    assertThat(ddim.timesteps(schedule)).isEqualTo(timesteps);
    forEachStep(
        timesteps,
        (before, t, next) -> {
          Sampler.Step expected = ddim.step(schedule, before, t, next);
          Sampler.Step step = solver.step(schedule, before, t, next);
          assertThat(step.ofSample()).isCloseTo(expected.ofSample(), ROUNDING);
          assertThat(step.ofData() + step.ofEarlierData()).isCloseTo(expected.ofData(), ROUNDING);
          assertThat(step.ofNoise()).isZero();
          if (before == Sampler.NONE || next == NoiseSchedule.CLEAN) {
            assertThat(step.ofEarlierData()).isZero();
          } else if (schedule.alpha(before) > 0) {
            assertThat(step.ofEarlierData()).isNegative();
          }
        });
    Sampler.Step last = solver.step(schedule, 5, 0, NoiseSchedule.CLEAN);
    assertThat(last).isEqualTo(new Sampler.Step(0, 1, 0, 0));
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void dpmSolversWeightsAreThoseOfItsPaper(NoiseSchedule schedule) {
    Sampler solver = new Sampler.DpmSolver(12, Spacing.TRAILING);
    int[] times = {800, 650, 480};
    double[] lambda = new double[3];
    for (int i = 0; i < 3; i++) {
      lambda[i] = Math.log(schedule.alpha(times[i]) / schedule.sigma(times[i]));
    }
    double h = lambda[2] - lambda[1];
    double r = (lambda[1] - lambda[0]) / h;
    double factor = -schedule.alpha(480) * Math.expm1(-h);
    Sampler.Step step = solver.step(schedule, 800, 650, 480);
    assertThat(step.ofSample()).isCloseTo(schedule.sigma(480) / schedule.sigma(650), ROUNDING);
    assertThat(step.ofData()).isCloseTo(factor * (1 + 1 / (2 * r)), ROUNDING);
    assertThat(step.ofEarlierData()).isCloseTo(-factor / (2 * r), ROUNDING);
  }

  // --- timesteps

  @ParameterizedTest
  @MethodSource("schedules")
  void timestepsFallStrictlyFromTheLastOne(NoiseSchedule schedule) {
    for (Spacing spacing : Spacing.values()) {
      for (int count : new int[] {1, 2, 3, 20, 50, 333, 998, 999, 1000}) {
        int[] timesteps = new Sampler.Ddpm(count, spacing).timesteps(schedule);
        assertThat(timesteps).hasSize(count);
        assertThat(timesteps[0]).isEqualTo(999);
        assertThat(timesteps[count - 1]).isNotNegative();
        for (int i = 1; i < count; i++) {
          assertThat(timesteps[i]).isLessThan(timesteps[i - 1]);
        }
        if (spacing == Spacing.LOG_SNR && count > 1) {
          assertThat(timesteps[count - 1]).isZero();
        }
      }
    }
  }

  @Test
  void trailingTimestepsAreEvenlySpaced() {
    assertThat(new Sampler.Ddim(5, 0, Spacing.TRAILING).timesteps(Schedules.LINEAR))
        .containsExactly(999, 799, 599, 399, 199);
  }

  @Test
  void logSnrTimestepsAreEvenlySpacedInTheLogarithmOfSignalToNoise() {
    NoiseSchedule schedule = Schedules.LINEAR;
    double[] logSnr =
        Arrays.stream(new Sampler.DpmSolver(12, Spacing.LOG_SNR).timesteps(schedule))
            .mapToDouble(schedule::logSnr)
            .toArray();
    double step = (logSnr[11] - logSnr[0]) / 11;
    for (int i = 1; i < 12; i++) {
      assertThat(logSnr[i] - logSnr[i - 1]).isCloseTo(step, Offset.offset(0.4 * step));
    }
    for (NoiseSchedule cosine : List.of(Schedules.COSINE, Schedules.COSINE_TO_ZERO)) {
      int[] timesteps = new Sampler.DpmSolver(20, Spacing.LOG_SNR).timesteps(cosine);
      assertThat(timesteps[1]).as("none is spent on pure noise").isLessThan(995);
    }
  }

  @Test
  void moreTimestepsThanThereAreAreRefused() {
    assertThatThrownBy(() -> new Sampler.Ddpm(1001, Spacing.TRAILING).timesteps(Schedules.LINEAR))
        .hasMessageContaining("sampler.steps=1001, expected at most noise.steps=1000");
  }

  // --- configuration

  @Test
  void samplersAreReadWithDefaultsAndWritten() throws Exception {
    ObjectMapper json =
        JsonMapper.builder().enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS).build();
    assertThat(json.readValue("{\"type\":\"ddpm\"}", Sampler.class))
        .isEqualTo(new Sampler.Ddpm(1000, Spacing.TRAILING));
    assertThat(json.readValue("{\"type\":\"ddim\",\"eta\":0.5}", Sampler.class))
        .isEqualTo(new Sampler.Ddim(50, 0.5, Spacing.TRAILING));
    assertThat(json.readValue("{\"type\":\"dpm_solver\",\"spacing\":\"log_snr\"}", Sampler.class))
        .isEqualTo(new Sampler.DpmSolver(20, Spacing.LOG_SNR));
    for (Sampler sampler :
        List.of(
            new Sampler.Ddpm(7, Spacing.LOG_SNR),
            new Sampler.Ddim(8, 1, Spacing.TRAILING),
            new Sampler.DpmSolver(9, Spacing.TRAILING))) {
      assertThat(json.readValue(json.writeValueAsString(sampler), Sampler.class))
          .isEqualTo(sampler);
    }
    assertThatThrownBy(() -> json.readValue("{\"type\":\"ddpm\",\"eta\":1}", Sampler.class))
        .hasMessageContaining("eta");
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new Sampler.Ddpm(0, Spacing.TRAILING)).hasMessageContaining("steps=0");
    assertThatThrownBy(() -> new Sampler.Ddim(5, 1.1, Spacing.TRAILING))
        .hasMessageContaining("eta=1.1");
  }

  // --- helpers

  private interface StepCheck {
    void check(int before, int t, int next);
  }

  private static void forEachStep(int[] timesteps, StepCheck check) {
    int before = Sampler.NONE;
    for (int i = 0; i < timesteps.length; i++) {
      int next = i + 1 < timesteps.length ? timesteps[i + 1] : NoiseSchedule.CLEAN;
      check.check(before, timesteps[i], next);
      before = timesteps[i];
    }
  }
}
