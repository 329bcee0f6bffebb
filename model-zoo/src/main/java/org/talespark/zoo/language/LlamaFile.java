package org.talespark.zoo.language;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Hugging Face's {@code config.json} of a {@code LlamaForCausalLM}. */
public final class LlamaFile {
  private static final String MODEL_TYPE = "llama";
  private static final double DEFAULT_RANGE = 0.02;
  private static final double DEFAULT_EPSILON = 1e-6;
  private static final double DEFAULT_THETA = 10000;

  private LlamaFile() {}

  /** The file's keys for a model of {@link ByteTokens}. */
  public static Map<String, Object> write(Llama.Config config) {
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("architectures", List.of("LlamaForCausalLM"));
    file.put("model_type", MODEL_TYPE);
    file.put("vocab_size", config.vocabSize());
    file.put("hidden_size", config.hiddenSize());
    file.put("intermediate_size", config.intermediateSize());
    file.put("num_hidden_layers", config.numHiddenLayers());
    file.put("num_attention_heads", config.numAttentionHeads());
    file.put("num_key_value_heads", config.numKeyValueHeads());
    file.put("head_dim", config.headDimension());
    file.put("max_position_embeddings", config.maxPositionEmbeddings());
    file.put("rms_norm_eps", config.rmsNormEps());
    file.put("rope_theta", config.ropeTheta());
    file.put("rope_scaling", null);
    file.put("tie_word_embeddings", config.tieWordEmbeddings());
    file.put("initializer_range", config.initializerRange());
    file.put("hidden_act", "silu");
    file.put("attention_bias", false);
    file.put("mlp_bias", false);
    file.put("bos_token_id", ByteTokens.BEGIN);
    file.put("eos_token_id", ByteTokens.END);
    file.put("pad_token_id", ByteTokens.PAD);
    file.put("torch_dtype", "float32");
    return file;
  }

  /**
   * Reads such a file, with Hugging Face's defaults; refuses models that compute something else.
   */
  public static Llama.Config read(JsonNode file) {
    require(file, "model_type", MODEL_TYPE);
    require(file, "hidden_act", "silu");
    require(file, "attention_bias", "false");
    require(file, "mlp_bias", "false");
    require(file, "rope_scaling", "null");
    require(file.path("rope_parameters"), "rope_type", "default");
    int hidden = size(file, "hidden_size");
    int heads = size(file, "num_attention_heads");
    Llama.Config config =
        new Llama.Config(
            size(file, "vocab_size"),
            hidden,
            size(file, "intermediate_size"),
            size(file, "num_hidden_layers"),
            heads,
            file.path("num_key_value_heads").asInt(heads),
            size(file, "max_position_embeddings"),
            file.path("rms_norm_eps").asDouble(DEFAULT_EPSILON),
            file.path("rope_theta")
                .asDouble(file.at("/rope_parameters/rope_theta").asDouble(DEFAULT_THETA)),
            file.path("tie_word_embeddings").asBoolean(false),
            file.path("initializer_range").asDouble(DEFAULT_RANGE));
    require(file, "head_dim", Integer.toString(config.headDimension()));
    return config;
  }

  private static int size(JsonNode file, String key) {
    JsonNode value = file.path(key);
    if (!value.canConvertToInt()) {
      throw refused(key, value, "a whole number");
    }
    return value.intValue();
  }

  /** A key may be absent or null, or have this value. */
  private static void require(JsonNode file, String key, String value) {
    JsonNode found = file.path(key);
    if (!found.isMissingNode() && !found.isNull() && !found.asText().equals(value)) {
      throw refused(key, found, value + ", the only one that this decoder computes");
    }
  }

  private static IllegalArgumentException refused(String key, JsonNode value, String expected) {
    return new IllegalArgumentException(
        "Cannot use checkpoint as language model: config.json has %s=%s, expected %s"
            .formatted(key, value.isMissingNode() ? "nothing" : value, expected));
  }
}
