package org.talespark.zoo.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.language.ByteTokens.BEGIN;
import static org.talespark.zoo.language.ByteTokens.END;
import static org.talespark.zoo.language.ByteTokens.PAD;

import java.util.List;
import org.junit.jupiter.api.Test;

class ByteTokensTest {

  @Test
  void aTextStandsBetweenBeginAndEndAndLabelsAreTheNextTokens() {
    ByteTokens.Rows rows = ByteTokens.rows(List.of("ab", ""), 3, 5);
    assertThat(rows.inputs())
        .containsExactly(
            BEGIN, 'a', 'b', PAD, PAD, BEGIN, PAD, PAD, PAD, PAD, PAD, PAD, PAD, PAD, PAD);
    assertThat(rows.labels())
        .containsExactly('a', 'b', END, PAD, PAD, END, PAD, PAD, PAD, PAD, PAD, PAD, PAD, PAD, PAD);
    assertThat(rows.weights()).containsExactly(1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assertThat(rows.tokens()).isEqualTo(4);
    assertThat(rows.bytes()).isEqualTo(2);
    assertThat(rows.cut()).isZero();
  }

  @Test
  void aTextThatDoesNotFitIsCutAndCounted() {
    ByteTokens.Rows rows = ByteTokens.rows(List.of("abc", "abcd", "abcdef"), 3, 4);
    assertThat(rows.labels())
        .containsExactly('a', 'b', 'c', END, 'a', 'b', 'c', 'd', 'a', 'b', 'c', 'd');
    assertThat(rows.inputs())
        .containsExactly(BEGIN, 'a', 'b', 'c', BEGIN, 'a', 'b', 'c', BEGIN, 'a', 'b', 'c');
    assertThat(rows.cut()).isEqualTo(2);
    assertThat(rows.tokens()).isEqualTo(12);
    assertThat(rows.bytes()).isEqualTo(11);
  }

  @Test
  void bytesAreThoseOfUtf8AndComeBackAsText() {
    String text = "Füchse 🦊";
    ByteTokens.Rows rows = ByteTokens.rows(List.of(text), 1, 32);
    assertThat(rows.bytes()).isEqualTo(12);
    assertThat(rows.labels()[1]).isEqualTo(0xc3);
    assertThat(ByteTokens.text(rows.labels())).isEqualTo(text);
    assertThat(ByteTokens.text(rows.inputs())).isEqualTo(text);
    assertThat(ByteTokens.text(new int[] {'a', 0xc3, END, -1, 300})).isEqualTo("a\ufffd");
  }

  @Test
  void moreTextsThanRowsAreRefused() {
    assertThatThrownBy(() -> ByteTokens.rows(List.of("a", "b"), 1, 4))
        .hasMessageContaining("texts=2, expected at most 1");
  }
}
