package org.talespark.zoo.contrastive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.text.Tokenizer;

class ClipTextsTest {

  private static ClipTexts texts(byte[] tokenizer, ClipModel.Config config) {
    return new ClipTexts(config, new Tokenizer(tokenizer), 5);
  }

  @Test
  void rowsEndAtTheEndTokenAndThoseWithoutATextArePadding() {
    try (ClipTexts texts = texts(Pairs.tokenizer(1), Pairs.model(1))) {
      ClipTexts.Rows rows = texts.encode(List.of("red top left", "grey", "low low low low"), 4);
      assertThat(rows.ids())
          .containsExactly(2, 4, 8, 10, 1, 2, 7, 1, 0, 0, 2, 9, 9, 9, 1, 0, 0, 0, 0, 0);
      assertThat(rows.ends()).containsExactly(4, 7, 14, 15);
      assertThat(rows.cut()).isEqualTo(1);
    }
  }

  @Test
  void aTokenizerThatDoesNotFitTheModelIsRefused() {
    ClipModel.Config model = Pairs.model(1);
    TextEncoder.Config small = new TextEncoder.Config(11, 16, 32, 1, 2, 6, 1e-5, null, 1);
    assertThatThrownBy(
            () ->
                texts(Pairs.tokenizer(1), new ClipModel.Config(small, model.visionConfig(), 8, 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tokens=12 text_config.vocab_size=11");
    assertThatThrownBy(() -> texts(Pairs.tokenizer(2), model))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("end with token 2, text_config.eos_token_id=1");
    assertThatThrownBy(() -> texts(Pairs.tokenizer(2), Pairs.model(2))) // pooled elsewhere
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("and not 2");
    byte[] endless =
        new String(Pairs.tokenizer(1), StandardCharsets.UTF_8)
            .replace(", {\"SpecialToken\": {\"id\": \"<eos>\", \"type_id\": 0}}]", "]")
            .getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> texts(endless, model))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("behind every text");
  }
}
