package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class CaptionTextTest {

  private static CaptionText clean(String text) {
    return CaptionText.clean(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void whiteSpaceIsFoldedAndControlCharactersVanish() {
    assertThat(clean("\uFEFF  a\tred\r\n\u00a0 cat\u0000\u0007 \u2028sits\u202e ").text())
        .isEqualTo("a red cat sits");
  }

  @Test
  void textIsComposedAndKeepsEmojiSequences() {
    assertThat(clean("cafe\u0301").text()).isEqualTo("caf\u00e9");
    String family = "\uD83D\uDC68\u200D\uD83D\uDC69\u200D\uD83D\uDC67";
    assertThat(clean(family).text()).isEqualTo(family);
  }

  @Test
  void bytesThatAreNoUtf8AreReadAsWesternTextAndCounted() {
    byte[] bytes = {'c', 'a', 'f', (byte) 0xE9, ' ', (byte) 0x93, 'x', (byte) 0x94, (byte) 0x81};
    CaptionText caption = CaptionText.clean(bytes);
    assertThat(caption.text()).isEqualTo("caf\u00e9 \u201cx\u201d");
    assertThat(caption.repairs()).isEqualTo(4);
    assertThat(clean("caf\u00e9").repairs()).isZero();
  }

  @Property(tries = 1000)
  void anyBytesBecomeCleanText(@ForAll byte[] bytes) {
    CaptionText caption = CaptionText.clean(bytes);
    assertThat(caption.text()).isEqualTo(caption.text().strip()).doesNotContain("  ");
    assertThat(caption.text().chars()).noneMatch(Character::isISOControl);
    assertThat(Normalizer.isNormalized(caption.text(), Normalizer.Form.NFC)).isTrue();
    assertThat(clean(caption.text()).text()).isEqualTo(caption.text());
  }
}
