package org.talespark.zoo.diffusion;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.HashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.train.Pretrained;

/** The text encoder of another checkpoint. */
final class TextTower {
  private static final String CONFIG = "text_config";
  private static final String TENSORS = "text_model.";
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private TextTower() {}

  /** Its size, of the {@code text_config} of a model with towers. */
  static TextEncoder.Config config(Pretrained checkpoint) {
    JsonNode config = checkpoint.config().path(CONFIG);
    try {
      if (config.isObject()) {
        return JSON.treeToValue(config, TextEncoder.Config.class);
      }
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "Cannot use text tower: %s=%s of its config.json (%s)"
              .formatted(CONFIG, config, e.getMessage().lines().findFirst().orElse("")),
          e);
    }
    throw new IllegalArgumentException(
        "Cannot use text tower: its config.json has no %s, expected a model with a text tower"
            .formatted(CONFIG));
  }

  /** The tower alone: its configuration and its tensors. */
  static Pretrained alone(Pretrained checkpoint) {
    Map<String, INDArray> tensors = new HashMap<>(checkpoint.tensors());
    tensors.keySet().removeIf(name -> !name.startsWith(TENSORS));
    JsonNode config = JSON.createObjectNode().set(CONFIG, checkpoint.config().path(CONFIG));
    return new Pretrained(config, tensors, Map.of());
  }
}
