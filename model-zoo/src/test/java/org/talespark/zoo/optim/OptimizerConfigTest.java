package org.talespark.zoo.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;
import org.junit.jupiter.api.Test;

class OptimizerConfigTest {
  private static final ObjectMapper PLAIN = new ObjectMapper();
  private static final ObjectMapper SNAKE =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  @Test
  void defaultsArePinned() throws JsonProcessingException {
    assertThat(optimizer("{\"type\":\"adamw\"}"))
        .isEqualTo(new OptimizerConfig.AdamW(0.9, 0.999, 1e-8, 0.01));
    assertThat(optimizer("{\"type\":\"adam\"}"))
        .isEqualTo(new OptimizerConfig.Adam(0.9, 0.999, 1e-8));
    assertThat(optimizer("{\"type\":\"sgd\"}")).isEqualTo(new OptimizerConfig.Sgd(0, false, 0));
    assertThat(optimizer("{\"type\":\"lion\"}")).isEqualTo(new OptimizerConfig.Lion(0.9, 0.99, 0));
    assertThat(optimizer("{\"type\":\"muon\"}"))
        .isEqualTo(
            new OptimizerConfig.Muon(
                0.95,
                0.2,
                0.01,
                0.9,
                0.999,
                1e-8,
                List.of("emb", "conv_in", "conv_out", "lm_head"),
                1));
    assertThat(schedule("{\"type\":\"constant\"}")).isEqualTo(new Schedule.Constant());
    assertThat(schedule("{\"type\":\"linear\"}")).isEqualTo(new Schedule.Linear(0, 0, 0));
    assertThat(schedule("{\"type\":\"cosine\"}")).isEqualTo(new Schedule.WarmupCosine(0, 0, 0));
  }

  @Test
  void everyKeyIsReadAndWrittenInSnakeCase() throws JsonProcessingException {
    assertThat(
            optimizer(
                "{\"type\":\"adamw\",\"beta1\":0.8,\"beta2\":0.95,\"eps\":1e-6,\"weight_decay\":0.2}"))
        .isEqualTo(new OptimizerConfig.AdamW(0.8, 0.95, 1e-6, 0.2));
    assertThat(
            optimizer("{\"type\":\"sgd\",\"momentum\":0.9,\"nesterov\":true,\"weight_decay\":1}"))
        .isEqualTo(new OptimizerConfig.Sgd(0.9, true, 1));
    assertThat(
            schedule(
                "{\"type\":\"cosine\",\"warmup_steps\":5,\"total_steps\":50,\"final_fraction\":0.1}"))
        .isEqualTo(new Schedule.WarmupCosine(5, 50, 0.1));
    for (ObjectMapper mapper : List.of(PLAIN, SNAKE)) {
      assertThat(mapper.writeValueAsString(new OptimizerConfig.AdamW(0.9, 0.999, 1e-8, 0.01)))
          .isEqualTo(
              "{\"type\":\"adamw\",\"beta1\":0.9,\"beta2\":0.999,\"eps\":1.0E-8,\"weight_decay\":0.01}");
      for (OptimizerConfig config :
          List.of(
              new OptimizerConfig.AdamW(0.1, 0.2, 0.3, 0.4),
              new OptimizerConfig.Adam(0.1, 0.2, 0.3),
              new OptimizerConfig.Sgd(0.1, true, 0.3),
              new OptimizerConfig.Lion(0.1, 0.2, 0.3),
              new OptimizerConfig.Muon(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, List.of("a", "b"), 7))) {
        String json = mapper.writeValueAsString(config);
        assertThat(mapper.readValue(json, OptimizerConfig.class)).isEqualTo(config);
      }
      for (Schedule schedule :
          List.of(
              new Schedule.Constant(3),
              new Schedule.Linear(1, 2, 0.5),
              new Schedule.WarmupCosine(1, 2, 0.5))) {
        String json = mapper.writeValueAsString(schedule);
        assertThat(mapper.readValue(json, Schedule.class)).isEqualTo(schedule);
      }
    }
  }

  @Test
  void unknownKeysAndTypesAreRefused() {
    assertThatThrownBy(() -> optimizer("{\"type\":\"adam\",\"weight_decay\":0.1}"))
        .isInstanceOf(JsonMappingException.class)
        .hasMessageContaining("weight_decay");
    assertThatThrownBy(() -> optimizer("{\"type\":\"adagrad\"}"))
        .isInstanceOf(JsonMappingException.class)
        .hasMessageContaining("adamw");
    assertThatThrownBy(() -> optimizer("{\"beta1\":0.9}")).isInstanceOf(JsonMappingException.class);
    assertThatThrownBy(() -> schedule("{\"type\":\"linear\",\"totalsteps\":1}"))
        .isInstanceOf(JsonMappingException.class);
  }

  @Test
  void constantsOutsideTheirRangesAreRefused() {
    assertThatThrownBy(() -> new OptimizerConfig.AdamW(1, 0.9, 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("beta1=1.0, expected 0 <= beta1 < 1");
    assertThatThrownBy(() -> new OptimizerConfig.Adam(0.9, -0.1, 0)).hasMessageContaining("beta2");
    assertThatThrownBy(() -> new OptimizerConfig.Adam(0.9, 0.9, Double.NaN))
        .hasMessageContaining("eps=NaN");
    assertThatThrownBy(() -> new OptimizerConfig.Lion(0.9, 0.9, Double.POSITIVE_INFINITY))
        .hasMessageContaining("weight_decay");
    assertThatThrownBy(() -> optimizer("{\"type\":\"muon\",\"every\":0}"))
        .hasMessageContaining("every=0, expected at least 1");
    assertThatThrownBy(() -> optimizer("{\"type\":\"muon\",\"rms\":0}"))
        .hasMessageContaining("rms=0.0, expected a finite number > 0");
    assertThatThrownBy(() -> new OptimizerConfig.Sgd(0, true, 0)).hasMessageContaining("nesterov");
    assertThatThrownBy(() -> optimizer("{\"type\":\"lion\",\"beta1\":2}"))
        .hasMessageContaining("beta1=2.0");
    assertThatThrownBy(() -> new Schedule.Linear(10, 10, 0))
        .hasMessageContaining("total_steps=10, expected more than warmup_steps=10");
    assertThatThrownBy(() -> new Schedule.Constant(-1)).hasMessageContaining("warmup_steps=-1");
    assertThatThrownBy(() -> new Schedule.WarmupCosine(0, 0, 1.5))
        .hasMessageContaining("final_fraction=1.5");
  }

  private static OptimizerConfig optimizer(String json) throws JsonProcessingException {
    return PLAIN.readValue(json, OptimizerConfig.class);
  }

  private static Schedule schedule(String json) throws JsonProcessingException {
    return PLAIN.readValue(json, Schedule.class);
  }
}
