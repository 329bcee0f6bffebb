package org.talespark.zoo.lora;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** PEFT's {@code adapter_config.json} of a LoRA on linear layers. */
final class PeftFile {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
  private static final String BASE = "base_model_name_or_path";
  private static final String TYPE = "peft_type";
  private static final String LORA = "LORA";
  private static final double DEFAULT_ALPHA = 8;

  /** Keys with which an adapter computes something else, unless they are empty. */
  private static final List<String> OTHERS =
      List.of(
          "alpha_pattern",
          "rank_pattern",
          "layers_to_transform",
          "layers_pattern",
          "exclude_modules",
          "modules_to_save",
          "target_parameters",
          "trainable_token_indices",
          "layer_replication",
          "megatron_config",
          "fan_in_fan_out",
          "use_dora",
          "lora_bias",
          "use_qalora",
          "alora_invocation_tokens");

  private PeftFile() {}

  /** The file, with PEFT's keys in its order. */
  static byte[] write(LoraConfig config) {
    Map<String, Object> file = new TreeMap<>();
    file.put("alpha_pattern", Map.of());
    file.put("auto_mapping", null);
    file.put(BASE, config.base() == null ? null : config.base().checkpoint());
    file.put("bias", "none");
    file.put("fan_in_fan_out", false);
    file.put("inference_mode", true);
    file.put("init_lora_weights", true);
    file.put("layers_pattern", null);
    file.put("layers_to_transform", null);
    file.put("lora_alpha", whole(config.loraAlpha()));
    file.put("lora_dropout", config.loraDropout());
    file.put("modules_to_save", null);
    file.put(TYPE, LORA);
    file.put("r", config.r());
    file.put("rank_pattern", Map.of());
    file.put("revision", null);
    file.put("target_modules", config.targetModules().value());
    file.put("task_type", null);
    file.put("use_rslora", config.useRslora());
    try {
      return (JSON.writeValueAsString(file) + "\n").getBytes(UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + PeftAdapter.CONFIG, e);
    }
  }

  /** As a whole number where it is one, as PEFT's users write it. */
  private static Number whole(double value) {
    long rounded = Math.round(value);
    if (rounded == value) {
      return rounded;
    }
    return value;
  }

  private static JsonNode parse(byte[] bytes) {
    try {
      JsonNode file = JSON.readTree(new String(bytes, UTF_8));
      if (file == null || !file.isObject()) {
        throw new IllegalArgumentException(
            "Cannot use adapter: %s holds no JSON object".formatted(PeftAdapter.CONFIG));
      }
      return file;
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "Cannot use adapter: %s is no JSON".formatted(PeftAdapter.CONFIG), e);
    }
  }

  /** Where the base is, if the file says so. */
  static Optional<String> base(byte[] bytes) {
    return Optional.ofNullable(parse(bytes).path(BASE).textValue()).filter(name -> !name.isEmpty());
  }

  /**
   * Reads a file, with PEFT's defaults; its dropout, which only training has, counts for nothing.
   *
   * @throws IllegalArgumentException naming a key with which the adapter computes something else
   */
  static LoraConfig read(byte[] bytes) {
    JsonNode file = parse(bytes);
    if (!file.path(TYPE).asText().equals(LORA)) {
      throw refused(TYPE, file.path(TYPE), LORA);
    }
    if (!file.path("bias").asText("none").equals("none")) {
      throw refused("bias", file.path("bias"), "none");
    }
    for (String key : OTHERS) {
      JsonNode value = file.path(key);
      boolean empty = value.isContainerNode() ? value.isEmpty() : !value.asBoolean(false);
      if (!empty || value.isTextual()) {
        throw refused(key, value, "nothing");
      }
    }
    JsonNode targets = file.path("target_modules");
    if (!targets.isTextual() && !targets.isArray()) {
      throw refused("target_modules", targets, "a list of names or a regular expression");
    }
    return new LoraConfig(
        file.path("r").asInt(8),
        file.path("lora_alpha").asDouble(DEFAULT_ALPHA),
        TargetModules.of(targets),
        null,
        file.path("use_rslora").asBoolean(false),
        null);
  }

  private static IllegalArgumentException refused(String key, JsonNode value, String expected) {
    return new IllegalArgumentException(
        "Cannot use adapter: %s has %s=%s, expected %s"
            .formatted(
                PeftAdapter.CONFIG, key, value.isMissingNode() ? "nothing" : value, expected));
  }
}
