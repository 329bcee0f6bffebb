package org.talespark.zoo.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;

/** Small tokenizers for tests. */
public final class TokenizerFiles {
  private TokenizerFiles() {}

  /** Words between white space, from id 4 on; begin 1 and end 2 around them, 3 for all others. */
  public static byte[] words(String... words) {
    return file(List.of("<pad>", "<bos>", "<eos>"), words);
  }

  /**
   * The same with a mask token: words from id 5 on; begin 2 and end 1 around them, the mask 3, and
   * 4 for all others.
   */
  public static byte[] wordsWithMask(String... words) {
    return file(List.of("<pad>", "<eos>", "<bos>", "<mask>"), words);
  }

  private static byte[] file(List<String> special, String... words) {
    List<String> added = new ArrayList<>();
    List<String> vocabulary = new ArrayList<>();
    for (String name : special) {
      added.add(
          "{\"id\": %d, \"content\": \"%s\", \"special\": true, \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false}"
              .formatted(added.size(), name));
      vocabulary.add("\"%s\": %d".formatted(name, vocabulary.size()));
    }
    vocabulary.add("\"<unk>\": " + vocabulary.size());
    for (String word : words) {
      vocabulary.add("\"%s\": %d".formatted(word, vocabulary.size()));
    }
    return """
        {"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
         "added_tokens": [%s],
         "pre_tokenizer": {"type": "WhitespaceSplit"},
         "post_processor": {"type": "TemplateProcessing",
           "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
           "special_tokens": {"<bos>": {"id": "<bos>", "ids": [%d], "tokens": ["<bos>"]}, "<eos>": {"id": "<eos>", "ids": [%d], "tokens": ["<eos>"]}}},
         "model": {"type": "WordLevel", "unk_token": "<unk>", "vocab": {%s}}}
        """
        .formatted(
            String.join(", ", added),
            special.indexOf("<bos>"),
            special.indexOf("<eos>"),
            String.join(", ", vocabulary))
        .getBytes(UTF_8);
  }
}
