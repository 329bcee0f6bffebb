package org.talespark.zoo.text;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Small tokenizers for tests. */
public final class TokenizerFiles {
  private TokenizerFiles() {}

  /** Words between white space, from id 4 on; begin 1 and end 2 around them, 3 for all others. */
  public static byte[] words(String... words) {
    StringBuilder vocabulary = new StringBuilder();
    for (int i = 0; i < words.length; i++) {
      vocabulary.append(", \"%s\": %d".formatted(words[i], 4 + i));
    }
    return """
        {"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
         "added_tokens": [
           {"id": 0, "content": "<pad>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
           {"id": 1, "content": "<bos>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
           {"id": 2, "content": "<eos>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
         "pre_tokenizer": {"type": "WhitespaceSplit"},
         "post_processor": {"type": "TemplateProcessing",
           "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
           "special_tokens": {"<bos>": {"id": "<bos>", "ids": [1], "tokens": ["<bos>"]}, "<eos>": {"id": "<eos>", "ids": [2], "tokens": ["<eos>"]}}},
         "model": {"type": "WordLevel", "unk_token": "<unk>",
           "vocab": {"<pad>": 0, "<bos>": 1, "<eos>": 2, "<unk>": 3%s}}}
        """
        .formatted(vocabulary)
        .getBytes(UTF_8);
  }
}
