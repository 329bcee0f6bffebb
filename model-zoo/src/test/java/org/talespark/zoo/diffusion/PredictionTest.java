package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PredictionTest {

  private static double of(Mix mix, double x, double y) {
    return mix.first() * x + mix.second() * y;
  }

  @ParameterizedTest
  @EnumSource
  void aPredictionGivesBackThePictureTheNoiseAndV(Prediction prediction) {
    double picture = 0.7;
    double noise = -1.3;
    for (NoiseSchedule schedule : Schedules.all()) {
      for (int t = 0; t < schedule.steps() - 1; t += 37) {
        double alpha = schedule.alpha(t);
        double sigma = schedule.sigma(t);
        double sample = alpha * picture + sigma * noise;
        double v = alpha * noise - sigma * picture;
        double said = of(prediction.target(schedule, t), picture, noise);
        assertThat(said)
            .isCloseTo(
                switch (prediction) {
                  case EPSILON -> noise;
                  case V_PREDICTION -> v;
                  case SAMPLE -> picture;
                },
                Offset.offset(1e-15));
        double lost = 1e-15 / Math.min(alpha, sigma); // digits, where one of them is small
        assertThat(of(prediction.toData(schedule, t), sample, said))
            .isCloseTo(picture, Offset.offset(10 * lost));
        assertThat(of(prediction.toNoise(schedule, t), sample, said))
            .isCloseTo(noise, Offset.offset(10 * lost));
        assertThat(of(prediction.toVelocity(schedule, t), sample, said))
            .isCloseTo(v, Offset.offset(10 * lost));
      }
    }
  }

  @Test
  void vAndNoisePredictionConvertIntoEachOther() {
    NoiseSchedule schedule = Schedules.COSINE;
    for (int t = 0; t < schedule.steps(); t++) {
      double sample = 0.4;
      double noise = 0.9;
      double v = of(Prediction.EPSILON.toVelocity(schedule, t), sample, noise);
      double lost = 1e-15 / (schedule.alpha(t) * schedule.alpha(t));
      assertThat(of(Prediction.V_PREDICTION.toNoise(schedule, t), sample, v))
          .isCloseTo(noise, Offset.offset(10 * lost));
    }
  }

  @Test
  void targetsOfABatchAreOfEachSamplesTimestep() {
    float[] pictures = {1, 2, 3, 4};
    float[] noise = {0.5f, -0.5f, 1, -1};
    float[] out = new float[4];
    NoiseSchedule schedule = Schedules.LINEAR;
    Prediction.V_PREDICTION.targets(schedule, pictures, new int[] {5, 900}, noise, out);
    for (int i = 0; i < 4; i++) {
      int t = i < 2 ? 5 : 900;
      assertThat(out[i])
          .isEqualTo((float) (schedule.alpha(t) * noise[i] - schedule.sigma(t) * pictures[i]));
    }
    Prediction.EPSILON.targets(schedule, pictures, new int[] {5, 900}, noise, out);
    assertThat(out).isEqualTo(noise);
    Prediction.SAMPLE.targets(schedule, pictures, new int[] {5, 900}, noise, out);
    assertThat(out).isEqualTo(pictures);
  }

  @Test
  void noiseCannotBePredictedWhereThereIsNothingElse() {
    Prediction.V_PREDICTION.check(Schedules.COSINE_TO_ZERO);
    Prediction.SAMPLE.check(Schedules.COSINE_TO_ZERO);
    Prediction.EPSILON.check(Schedules.COSINE);
    assertThatThrownBy(() -> Prediction.EPSILON.check(Schedules.COSINE_TO_ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prediction=epsilon zero_terminal_snr=true")
        .hasMessageContaining("v_prediction");
  }

  // --- loss weights

  @Test
  void minSnrWeighsTheErrorOfThePictureAlikeWhateverIsPredicted() {
    LossWeighting weighting = new LossWeighting.MinSnr(5);
    for (NoiseSchedule schedule : Schedules.all()) {
      for (int t = 0; t < schedule.steps() - 1; t++) {
        double snr = schedule.snr(t);
        double expected = Math.min(snr, 5); // of the squared error of x0
        // an error of one in what is said is this error of x0, for a given x_t
        double ofNoise = Prediction.EPSILON.toData(schedule, t).second();
        double ofV = Prediction.V_PREDICTION.toData(schedule, t).second();
        Percentage rounding = Percentage.withPercentage(1e-6);
        assertThat(weighting.weight(schedule, Prediction.SAMPLE, t)).isEqualTo(expected);
        assertThat(weighting.weight(schedule, Prediction.EPSILON, t) / (ofNoise * ofNoise))
            .isCloseTo(expected, rounding);
        assertThat(weighting.weight(schedule, Prediction.V_PREDICTION, t) / (ofV * ofV))
            .isCloseTo(expected, rounding);
      }
    }
    int last = 999;
    assertThat(weighting.weight(Schedules.LINEAR_TO_ZERO, Prediction.V_PREDICTION, last)).isZero();
    assertThat(weighting.weight(Schedules.LINEAR_TO_ZERO, Prediction.SAMPLE, last)).isZero();
    assertThat(new LossWeighting.None().weight(Schedules.COSINE, Prediction.EPSILON, 3))
        .isEqualTo(1);
  }

  @Test
  void weightingsAreReadAndWritten() throws Exception {
    ObjectMapper json = new ObjectMapper();
    assertThat(json.readValue("{\"type\":\"none\"}", LossWeighting.class))
        .isEqualTo(new LossWeighting.None());
    assertThat(json.readValue("{\"type\":\"min_snr\"}", LossWeighting.class))
        .isEqualTo(new LossWeighting.MinSnr(5));
    assertThat(json.readValue("{\"type\":\"min_snr\",\"gamma\":2.5}", LossWeighting.class))
        .isEqualTo(new LossWeighting.MinSnr(2.5));
    assertThat(json.writeValueAsString(new LossWeighting.None())).isEqualTo("{\"type\":\"none\"}");
    assertThatThrownBy(() -> new LossWeighting.MinSnr(0)).hasMessageContaining("gamma=0.0");
  }
}
