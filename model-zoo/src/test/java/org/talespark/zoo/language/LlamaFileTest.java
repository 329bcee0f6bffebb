package org.talespark.zoo.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LlamaFileTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void whatIsWrittenIsReadBack() {
    for (boolean tied : new boolean[] {true, false}) {
      Llama.Config config = Models.ofBytes(tied);
      JsonNode file = JSON.valueToTree(LlamaFile.write(config));
      assertThat(LlamaFile.read(file)).isEqualTo(config);
      assertThat(file.get("architectures").get(0).asText()).isEqualTo("LlamaForCausalLM");
      assertThat(file.get("bos_token_id").asInt()).isEqualTo(256);
      assertThat(file.get("head_dim").asInt()).isEqualTo(4);
    }
  }

  /** The keys of a published model, with those that are left out at their defaults. */
  @Test
  void aHuggingFaceFileIsRead() throws Exception {
    String file =
        """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32000,
         "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22,
         "num_attention_heads": 32, "num_key_value_heads": 4, "max_position_embeddings": 2048,
         "rms_norm_eps": 1e-05, "rope_scaling": null, "hidden_act": "silu",
         "torch_dtype": "bfloat16", "use_cache": true}
        """;
    assertThat(LlamaFile.read(JSON.readTree(file)))
        .isEqualTo(new Llama.Config(32000, 2048, 5632, 22, 32, 4, 2048, 1e-5, 10000, false, 0.02));
    String newer =
        file.replace("\"rope_scaling\": null", "\"rope_parameters\": {\"rope_theta\": 5e5}")
            .replace("\"num_key_value_heads\": 4,", "");
    Llama.Config config = LlamaFile.read(JSON.readTree(newer));
    assertThat(config.ropeTheta()).isEqualTo(500000);
    assertThat(config.numKeyValueHeads()).isEqualTo(32);
  }

  @ParameterizedTest
  @CsvSource({
    "model_type, '\"mistral\"', 'model_type=\"mistral\"'",
    "hidden_act, '\"gelu\"', 'hidden_act=\"gelu\"'",
    "attention_bias, true, attention_bias=true",
    "mlp_bias, true, mlp_bias=true",
    "head_dim, 64, head_dim=64",
    "rope_scaling, '{\"factor\": 2}', rope_scaling",
    "rope_parameters, '{\"rope_type\": \"yarn\"}', 'rope_type=\"yarn\"'",
    "hidden_size, null, hidden_size=null"
  })
  void whatThisDecoderDoesNotComputeIsRefused(String key, String value, String words)
      throws Exception {
    ObjectNode file = JSON.valueToTree(LlamaFile.write(Models.ofBytes(true)));
    file.set(key, JSON.readTree(value));
    assertThatThrownBy(() -> LlamaFile.read(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(words);
  }
}
