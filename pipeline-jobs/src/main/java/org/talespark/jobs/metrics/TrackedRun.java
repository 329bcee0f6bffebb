package org.talespark.jobs.metrics;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * A run as a tracker is told of it.
 *
 * @param name for people
 * @param parameters settings by dotted key
 * @param tags such as versions and the output directory
 */
public record TrackedRun(String name, Map<String, String> parameters, Map<String, String> tags) {
  public TrackedRun {
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    tags = Collections.unmodifiableMap(new LinkedHashMap<>(tags));
  }

  /**
   * The leaves of a configuration by dotted key, as {@code train.batch}; a list is one value.
   *
   * @param config an object
   */
  public static Map<String, String> parameters(JsonNode config) {
    Map<String, String> leaves = new LinkedHashMap<>();
    walk("", config, leaves::put);
    return leaves;
  }

  private static void walk(String path, JsonNode node, BiConsumer<String, String> leaf) {
    if (!node.isObject()) {
      leaf.accept(path, node.isTextual() ? node.textValue() : node.toString());
      return;
    }
    node.fields()
        .forEachRemaining(
            field ->
                walk(
                    path.isEmpty() ? field.getKey() : path + "." + field.getKey(),
                    field.getValue(),
                    leaf));
  }
}
