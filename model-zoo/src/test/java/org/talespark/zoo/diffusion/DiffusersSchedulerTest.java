package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class DiffusersSchedulerTest {

  private static JsonNode config(NoiseConfig noise, Prediction prediction, Double clip) {
    return new ObjectMapper().valueToTree(DiffusersScheduler.config(noise, prediction, clip));
  }

  @Test
  void straightLinesKeepTheirEnds() {
    JsonNode linear =
        config(new NoiseConfig.Linear(500, 1e-4, 0.03, false), Prediction.EPSILON, 1.0);
    assertThat(linear.get("num_train_timesteps").asInt()).isEqualTo(500);
    assertThat(linear.get("beta_schedule").asText()).isEqualTo("linear");
    assertThat(linear.get("beta_start").asDouble()).isEqualTo(1e-4);
    assertThat(linear.get("beta_end").asDouble()).isEqualTo(0.03);
    assertThat(linear.get("prediction_type").asText()).isEqualTo("epsilon");
    assertThat(linear.get("clip_sample").asBoolean()).isTrue();
    assertThat(linear.get("clip_sample_range").asDouble()).isEqualTo(1);
    assertThat(linear.get("timestep_spacing").asText()).isEqualTo("trailing");
    assertThat(linear.get("rescale_betas_zero_snr").asBoolean()).isFalse();
    JsonNode scaled =
        config(new NoiseConfig.ScaledLinear(1000, 0.00085, 0.012, true), Prediction.SAMPLE, null);
    assertThat(scaled.get("beta_schedule").asText()).isEqualTo("scaled_linear");
    assertThat(scaled.get("prediction_type").asText()).isEqualTo("sample");
    assertThat(scaled.get("clip_sample").asBoolean()).isFalse();
    assertThat(scaled.get("rescale_betas_zero_snr").asBoolean()).isTrue();
  }

  /** The betas of diffusers' schedule of that name, from its formula. */
  @Test
  void theCosineHasANameOnlyWhereItsBetasAreTheSame() {
    NoiseConfig same = new NoiseConfig.Cosine(1000, 0.008, 0.999, false);
    JsonNode named = config(same, Prediction.V_PREDICTION, 1.0);
    assertThat(named.get("beta_schedule").asText()).isEqualTo("squaredcos_cap_v2");
    assertThat(named.has("trained_betas")).isFalse();
    assertThat(named.get("prediction_type").asText()).isEqualTo("v_prediction");
    for (int t = 0; t < 1000; t++) {
      double from = Math.cos((t / 1000.0 + 0.008) / 1.008 * Math.PI / 2);
      double to = Math.cos(((t + 1) / 1000.0 + 0.008) / 1.008 * Math.PI / 2);
      double beta = Math.min(1 - to * to / (from * from), 0.999);
      assertThat(same.betas()[t]).isEqualTo(beta, Offset.offset(1e-12));
    }
    NoiseConfig other = new NoiseConfig.Cosine(10, 0.02, 0.9, false);
    JsonNode listed = config(other, Prediction.V_PREDICTION, 1.0);
    assertThat(listed.has("beta_schedule")).isFalse();
    assertThat(listed.get("trained_betas")).hasSize(10);
    assertThat(listed.get("trained_betas").get(9).asDouble()).isEqualTo(other.betas()[9]);
  }
}
