package org.talespark.jobs;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import org.talespark.jobs.config.ConfigTree;

/** Results of commands as JSON for programs and as YAML for people. */
final class Results {

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .serializationInclusion(JsonInclude.Include.ALWAYS)
          .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
          .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
          .build();

  private Results() {}

  /** {@code status} and {@code seconds}, then the keys of the value. */
  static ObjectNode of(String status, Duration elapsed, Object value) {
    ObjectNode node = JSON.createObjectNode();
    node.put("status", status);
    node.put("seconds", Math.round(elapsed.toMillis() / 10.0) / 100.0);
    JsonNode tree = JSON.valueToTree(value);
    if (tree instanceof ObjectNode object) {
      node.setAll(object);
    } else if (tree != null && !tree.isNull() && !tree.isMissingNode()) {
      node.set("result", tree);
    }
    return node;
  }

  /** One line of JSON. */
  static String line(JsonNode node) {
    try {
      return JSON.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot write result: " + node, e);
    }
  }

  /** A few lines that a person reads. */
  static String text(ObjectNode node) {
    return ConfigTree.toYaml(node);
  }
}
