package org.talespark.zoo.text;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

final class TokenizerTest {
  @Test
  void rowsArePaddedAndCutBeforeTheirEnd() {
    try (Tokenizer tokenizer = new Tokenizer(TokenizerFiles.words("a", "red", "cat"))) {
      TextTokens tokens = tokenizer.encode(List.of("a red cat", "", "cat a red cat a"), 5);
      assertThat(tokenizer.vocabulary()).isEqualTo(7);
      assertThat(tokens.ids()).containsExactly(1, 4, 5, 6, 2, 1, 2, 0, 0, 0, 1, 6, 4, 5, 2);
      assertThat(tokens.mask()).containsExactly(1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1);
      assertThat(tokens.last()).containsExactly(4, 6, 14);
      assertThat(tokens.cut()).isEqualTo(1);
    }
  }

  @Test
  void specialTokensAreKnownByTheirNames() {
    try (Tokenizer tokenizer = new Tokenizer(TokenizerFiles.wordsWithMask("a", "red"))) {
      assertThat(tokenizer.special("<mask>")).hasValue(3);
      assertThat(tokenizer.special("red")).isEmpty(); // a word, though it is in the vocabulary
      assertThat(tokenizer.special("[MASK]")).isEmpty();
      assertThat(tokenizer.specials()).containsExactly(0, 1, 2, 3);
      assertThat(tokenizer.encode(List.of("a <mask> red"), 5).ids()).containsExactly(2, 5, 3, 6, 1);
    }
  }

  @Test
  void tokensAroundEveryTextAreSpecialAlsoWhereTheFileDoesNotSaySo() {
    String file = new String(TokenizerFiles.words("a"), UTF_8);
    byte[] silent = file.replace("\"special\": true", "\"special\": false").getBytes(UTF_8);
    try (Tokenizer tokenizer = new Tokenizer(silent)) {
      assertThat(tokenizer.specials()).containsExactly(1, 2);
      assertThat(tokenizer.special("<bos>")).isEmpty();
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
