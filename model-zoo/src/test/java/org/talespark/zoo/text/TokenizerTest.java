package org.talespark.zoo.text;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

final class TokenizerTest {
  /** Words by white space; begin 1 and end 2 around them. */
  private static final String FILE =
      """
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
         "vocab": {"<pad>": 0, "<bos>": 1, "<eos>": 2, "<unk>": 3, "a": 4, "red": 5, "cat": 6}}}
      """;

  @Test
  void rowsArePaddedAndCutBeforeTheirEnd() {
    try (Tokenizer tokenizer = new Tokenizer(FILE.getBytes(UTF_8))) {
      TextTokens tokens = tokenizer.encode(List.of("a red cat", "", "cat a red cat a"), 5);
      assertThat(tokenizer.vocabulary()).isEqualTo(7);
      assertThat(tokens.ids()).containsExactly(1, 4, 5, 6, 2, 1, 2, 0, 0, 0, 1, 6, 4, 5, 2);
      assertThat(tokens.mask()).containsExactly(1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1);
      assertThat(tokens.last()).containsExactly(4, 6, 14);
      assertThat(tokens.cut()).isEqualTo(1);
    }
  }

  @Test
  void otherFilesAreRefused() {
    assertThatThrownBy(() -> new Tokenizer("{}".getBytes(UTF_8)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tokenizer.json");
    assertThatThrownBy(() -> new Tokenizer("no".getBytes(UTF_8)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
