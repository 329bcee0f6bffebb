package org.talespark.zoo.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.talespark.zoo.train.FrozenBase;

class TargetModulesTest {
  private static final ObjectMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  private static final List<String> LAYERS =
      List.of(
          "text_model.layers.0.self_attn.q_proj",
          "text_model.layers.0.self_attn.v_proj",
          "text_model.layers.0.mlp.fc1",
          "vision_model.layers.0.self_attn.q_proj",
          "visual_projection");

  @ParameterizedTest
  @CsvSource({
    "q_proj, text_model.layers.0.self_attn.q_proj, true",
    "self_attn.q_proj, text_model.layers.0.self_attn.q_proj, true",
    "visual_projection, visual_projection, true",
    "projection, visual_projection, false", // parts are whole
    "q_proj, text_model.layers.0.self_attn.q_proj.inner, false",
    "attn.q_proj, text_model.layers.0.self_attn.q_proj, false"
  })
  void aNameMeansLayersThatEndWithIt(String name, String layer, boolean matches) {
    assertThat(TargetModules.named(List.of("other", name)).matches(layer)).isEqualTo(matches);
  }

  @Test
  void aRegularExpressionMeansLayersThatItMatchesAsAWhole() {
    TargetModules text = TargetModules.matching("text_model\\..*\\.(q|v)_proj");
    assertThat(LAYERS.stream().filter(text::matches))
        .containsExactlyElementsOf(LAYERS.subList(0, 2));
    assertThat(TargetModules.matching("q_proj").matches(LAYERS.get(0))).isFalse();
  }

  @Test
  void anUnknownNameIsRefusedWithTheNearestOnes() {
    assertThatCode(() -> TargetModules.named(List.of("q_proj", "fc1")).check(LAYERS))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> TargetModules.named(List.of("fc1", "q_prj")).check(LAYERS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot configure LoRA: target_modules has q_prj, which is no linear layer of the model; did you mean q_proj, v_proj?");
    assertThatThrownBy(() -> TargetModules.named(List.of("self_atn.q_proj")).check(LAYERS))
        .hasMessageContaining("did you mean self_attn.q_proj, self_attn.v_proj?");
    assertThatThrownBy(() -> TargetModules.named(List.of("zzz")).check(LAYERS))
        .hasMessageContaining("expected one of fc1, q_proj, v_proj, visual_projection");
    assertThatThrownBy(() -> TargetModules.matching("q_proj").check(LAYERS))
        .hasMessageContaining("target_modules has q_proj, which is no linear layer");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"r\":4,\"lora_alpha\":8.0,\"target_modules\":[\"q_proj\",\"fc1\"]}",
        "{\"r\":2,\"lora_alpha\":0.5,\"target_modules\":\".*fc1\",\"use_rslora\":true}"
      })
  void configurationIsReadAndWrittenUnderPeftsKeys(String text) throws IOException {
    LoraConfig config = JSON.readValue(text, LoraConfig.class);
    assertThat(JSON.readTree(JSON.writeValueAsString(config)).get("target_modules"))
        .isEqualTo(JSON.readTree(text).get("target_modules"));
    assertThat(JSON.readValue(JSON.writeValueAsString(config), LoraConfig.class)).isEqualTo(config);
    FrozenBase base = new FrozenBase("hdfs:/run/checkpoints/step-00000010", "ab12");
    assertThat(JSON.readValue(JSON.writeValueAsString(config.on(base)), LoraConfig.class).base())
        .isEqualTo(base);
  }

  @Test
  void theScaleIsAlphaOverRankOrItsRoot() {
    TargetModules targets = TargetModules.named(List.of("q_proj"));
    assertThat(new LoraConfig(4, 6, targets).scale()).isEqualTo(1.5);
    assertThat(new LoraConfig(4, 6, targets, 0.0, true, null).scale()).isEqualTo(3);
  }

  @Test
  void whatCannotBeIsRefusedByItsKey() {
    TargetModules targets = TargetModules.named(List.of("q_proj"));
    assertThatThrownBy(() -> new LoraConfig(0, 1, targets)).hasMessageContaining("r=0, expected");
    assertThatThrownBy(() -> new LoraConfig(1, 0, targets)).hasMessageContaining("lora_alpha=0.0");
    assertThatThrownBy(() -> new LoraConfig(1, 1, targets, 1.0, null, null))
        .hasMessageContaining("lora_dropout=1.0, expected 0 or more, less than 1");
    assertThatThrownBy(() -> TargetModules.named(List.of()))
        .hasMessageContaining("target_modules=[]");
    assertThatThrownBy(() -> TargetModules.matching("(q_proj"))
        .hasMessageContaining("target_modules=(q_proj");
    assertThatThrownBy(() -> new FrozenBase("run", null)).hasMessageContaining("--base");
  }
}
