package org.talespark.zoo.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.ExportedFile;

/**
 * A text encoder and its tokenizer as Hugging Face's {@code CLIPTextModel} and {@code
 * PreTrainedTokenizerFast} load them.
 */
public final class ClipTextFile {
  /** The class of the encoder. */
  public static final String CLASS = "CLIPTextModel";

  /** The class of the tokenizer. */
  public static final String TOKENIZER_CLASS = "PreTrainedTokenizerFast";

  /** With this id the class takes the highest id for a text's end, as its first releases did. */
  private static final int MISTAKEN_END = 2;

  private static final int PAD = 0;

  private final TextEncoder.Config encoder;
  private final byte[] tokenizer;
  private final int tokens;
  private final int begin;
  private final int end;

  /**
   * Files of an encoder.
   *
   * @param tokenizer bytes of its {@code tokenizer.json}
   * @param tokens that a text has at most
   */
  public ClipTextFile(TextEncoder.Config encoder, byte[] tokenizer, int tokens) {
    this.encoder = encoder;
    this.tokenizer = tokenizer.clone();
    this.tokens = tokens;
    try (Tokenizer opened = new Tokenizer(tokenizer)) {
      TextTokens empty = opened.encode(List.of(""), tokens);
      this.begin = empty.ids()[0];
      this.end = empty.ids()[empty.last()[0]];
    }
  }

  /** Whether the class finds a text's end, and with it the right pooled state. */
  public boolean findsEnds() {
    return end != MISTAKEN_END;
  }

  /** The encoder's files, in a directory. */
  public List<ExportedFile> encoder(String directory, Map<String, INDArray> tensors) {
    return List.of(
        ExportedFile.json(directory + "/config.json", config()),
        ExportedFile.tensors(directory + "/model.safetensors", tensors));
  }

  /** The tokenizer's files, in a directory; {@code .} is the root. */
  public List<ExportedFile> tokenizer(String directory) {
    String place = directory.equals(".") ? "" : directory + "/";
    return List.of(
        ExportedFile.bytes(place + Tokenizer.FILE, tokenizer),
        ExportedFile.json(place + "tokenizer_config.json", tokenizerConfig()));
  }

  private Map<String, Object> config() {
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("architectures", List.of(CLASS));
    file.put("model_type", "clip_text_model");
    file.put("vocab_size", encoder.vocabSize());
    file.put("hidden_size", encoder.hiddenSize());
    file.put("intermediate_size", encoder.intermediateSize());
    file.put("num_hidden_layers", encoder.numHiddenLayers());
    file.put("num_attention_heads", encoder.numAttentionHeads());
    file.put("max_position_embeddings", encoder.maxPositionEmbeddings());
    file.put("hidden_act", "quick_gelu");
    file.put("layer_norm_eps", encoder.layerNormEps());
    file.put("attention_dropout", 0.0);
    file.put("pad_token_id", PAD);
    file.put("bos_token_id", begin);
    file.put("eos_token_id", end);
    file.put("torch_dtype", "float32");
    return file;
  }

  private Map<String, Object> tokenizerConfig() {
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("tokenizer_class", TOKENIZER_CLASS);
    file.put("model_max_length", tokens);
    file.put("padding_side", "right");
    putToken(file, "pad_token", PAD);
    putToken(file, "bos_token", begin);
    putToken(file, "eos_token", end);
    return file;
  }

  /** The text of a special token, if it is one. */
  private void putToken(Map<String, Object> file, String key, int id) {
    try {
      for (JsonNode token : new ObjectMapper().readTree(tokenizer).path("added_tokens")) {
        if (token.path("id").asInt(-1) == id) {
          file.put(key, token.path("content").asText());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read tokenizer", e);
    }
  }
}
