package org.talespark.zoo.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * A Hugging Face tokenizer, from its {@code tokenizer.json}. Texts get the special tokens that the
 * file's post-processor puts around them. Thread-safe.
 */
public final class Tokenizer implements AutoCloseable {
  /** The file's name in a checkpoint and in a directory that {@code talespark tokenizer} wrote. */
  public static final String FILE = "tokenizer.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final byte[] file;
  private final int vocabulary;
  private final Map<String, Integer> special;
  private final HuggingFaceTokenizer tokenizer;

  /**
   * Opens a tokenizer.
   *
   * @param file the bytes of a {@code tokenizer.json}
   * @throws IllegalArgumentException when they are none
   */
  public Tokenizer(byte[] file) {
    this.file = file.clone();
    try {
      JsonNode json = JSON.readTree(new String(file, UTF_8));
      this.vocabulary = vocabulary(json);
      this.special = special(json);
      this.tokenizer =
          HuggingFaceTokenizer.newInstance(
              new ByteArrayInputStream(file), Map.of("padding", "false", "truncation", "false"));
    } catch (IOException | RuntimeException e) {
      throw new IllegalArgumentException(
          "Cannot open tokenizer: bytes=%d (%s), expected a tokenizer.json; try `talespark tokenizer --out DIR`"
              .formatted(
                  file.length, String.valueOf(e.getMessage()).lines().findFirst().orElse("")),
          e);
    }
  }

  private static int vocabulary(JsonNode json) {
    int most = -1;
    for (JsonNode id : json.path("model").path("vocab")) {
      most = Math.max(most, id.asInt());
    }
    for (JsonNode added : json.path("added_tokens")) {
      most = Math.max(most, added.path("id").asInt());
    }
    if (most < 0) {
      throw new IllegalArgumentException("no model.vocab");
    }
    return most + 1;
  }

  private static Map<String, Integer> special(JsonNode json) {
    Map<String, Integer> found = new LinkedHashMap<>();
    for (JsonNode added : json.path("added_tokens")) {
      if (added.path("special").asBoolean()) {
        found.put(added.path("content").asText(), added.path("id").asInt());
      }
    }
    return found;
  }

  /** The id of a special token by its name, if there is one. */
  public OptionalInt special(String name) {
    Integer id = special.get(name);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** All special tokens: those that the file calls so, and those that stand around every text. */
  public Set<Integer> specials() {
    Set<Integer> ids = new TreeSet<>(special.values());
    for (long id : tokenizer.encode("").getIds()) {
      ids.add((int) id);
    }
    return ids;
  }

  /** Ids are below this. */
  public int vocabulary() {
    return vocabulary;
  }

  /** The bytes it was made from. */
  public byte[] file() {
    return file.clone();
  }

  /**
   * Texts as rows.
   *
   * @param texts B of them
   * @param length N, at least 1; a longer text is cut before its last token
   */
  public TextTokens encode(List<String> texts, int length) {
    int[] ids = new int[Math.multiplyExact(texts.size(), length)];
    float[] mask = new float[ids.length];
    int[] last = new int[texts.size()];
    int cut = 0;
    for (int b = 0; b < texts.size(); b++) {
      long[] whole = tokenizer.encode(texts.get(b)).getIds();
      int count = Math.min(length, whole.length);
      for (int n = 0; n < count; n++) {
        ids[b * length + n] = (int) whole[n];
        mask[b * length + n] = 1;
      }
      if (whole.length > length) {
        ids[(b + 1) * length - 1] = (int) whole[whole.length - 1];
        cut++;
      }
      last[b] = b * length + Math.max(0, count - 1);
    }
    return new TextTokens(ids, mask, last, length, cut);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
