package org.talespark.data.caption;

import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.text.Normalizer;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.talespark.data.Reason;

class CaptionsTest {

  private static final CaptionRules NFC = CaptionRules.defaults();
  private static final CaptionRules NFKC = new CaptionRules(Normalization.NFKC, 2000);
  private static final CaptionRules AS_IS = new CaptionRules(Normalization.NONE, 2000);

  private static Captions clean(String... captions) {
    return Captions.clean(Arrays.stream(captions).map(c -> c.getBytes(UTF_8)).toList(), NFC);
  }

  private static String one(String caption, CaptionRules rules) {
    Captions cleaned = Captions.cleanTexts(List.of(caption), rules);
    return cleaned.texts().isEmpty() ? "" : cleaned.texts().get(0);
  }

  @Test
  void whiteSpaceIsFoldedAndControlCharactersVanish() {
    assertThat(one("\uFEFF  a\tred\r\n\u00a0 cat\u0000\u0007 \u2028sits\u202e\u0085\u2066 ", NFC))
        .isEqualTo("a red cat sits");
  }

  @Test
  void nonCharactersVanishAndEmojiAndLaterCharactersStay() {
    assertThat(one("a\uFFFE\uFFFF\uFDD0\uD83F\uDFFEb\uDBFF\uDFFF", NFC)).isEqualTo("ab");
    String family = "\uD83D\uDC68\u200D\uD83D\uDC69\u200D\uD83D\uDC67";
    assertThat(one(family, NFC)).isEqualTo(family);
    String melting = "\uD83E\uDEE0"; // of Unicode 14, unassigned in Java 17
    assertThat(one(melting, NFC)).isEqualTo(melting);
  }

  @Test
  void textTakesTheFormThatIsAskedFor() {
    assertThat(one("cafe\u0301 \uFB01n", NFC)).isEqualTo("caf\u00e9 \uFB01n");
    assertThat(one("cafe\u0301 \uFB01n", NFKC)).isEqualTo("caf\u00e9 fin");
    assertThat(one("cafe\u0301 \uFB01n", AS_IS)).isEqualTo("cafe\u0301 \uFB01n");
    assertThat(one("e\u0000\u0301", NFC)).as("what a NUL kept apart").isEqualTo("\u00e9");
    assertThat(one("\u00a8", NFKC)).as("its form begins with a space").isEqualTo("\u0308");
    assertThat(Normalization.of("nfkc")).isEqualTo(Normalization.NFKC);
    assertThatThrownBy(() -> Normalization.of("nfd"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nfd")
        .hasMessageContaining("nfkc");
  }

  @Test
  void damageBecomesOneReplacementAMaximalPartAndIsCounted() {
    // the Unicode Standard, tables 3-8 to 3-11
    assertRepaired(
        "41 C0 AF E0 80 BF F0 81 82 41", "A\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA");
    assertRepaired(
        "ED A0 80 ED BF BF ED AF 41", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA");
    assertRepaired("F4 91 92 93 FF 41 80 BF 42", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB");
    assertRepaired("E1 80 E2 F0 91 92 F1 BF 41", "\uFFFD\uFFFD\uFFFD\uFFFDA");
    assertRepaired("63 61 66 E9", "caf\uFFFD");
    assertRepaired("F0 9F 98", "\uFFFD");
    assertThat(clean("caf\u00e9 \uFFFD").repairs()).as("one that was there").isZero();
    assertThat(clean("caf\u00e9 \uFFFD").texts()).containsExactly("caf\u00e9 \uFFFD");
  }

  private static void assertRepaired(String hex, String expected) {
    String[] parts = hex.split(" ", -1);
    byte[] bytes = new byte[parts.length];
    for (int i = 0; i < parts.length; i++) {
      bytes[i] = (byte) Integer.parseInt(parts[i], 16);
    }
    Captions captions = Captions.clean(List.of(bytes), NFC);
    assertThat(captions.texts()).as(hex).containsExactly(expected);
    assertThat(captions.repairs())
        .as(hex)
        .isEqualTo((int) expected.chars().filter(c -> c == '\uFFFD').count());
  }

  @Test
  void loneSurrogatesInTextAreReplacedAndCounted() {
    Captions captions = Captions.cleanTexts(List.of("a\uD83D b\uDE00\uD83D\uDE00"), NFC);
    assertThat(captions.texts()).containsExactly("a\uFFFD b\uFFFD\uD83D\uDE00");
    assertThat(captions.repairs()).isEqualTo(2);
  }

  @Test
  void severalCaptionsKeepTheirOrderAndNoneIsCountedTwice() {
    Captions captions = clean("two  cats", " \t", "a cat", "two cats ", "x".repeat(2001), "a cat");
    assertThat(captions).isEqualTo(new Captions(List.of("two cats", "a cat"), 6, 0, 1, 1, 2));
    assertThat(captions.refusal()).isEmpty();
  }

  @Test
  void lengthCountsCodePointsAndNothingIsCut() {
    CaptionRules three = new CaptionRules(Normalization.NFC, 3);
    byte[] cats = "\uD83D\uDC31\uD83D\uDC31\uD83D\uDC31".getBytes(UTF_8);
    assertThat(Captions.clean(List.of(cats), three).texts()).hasSize(1);
    Captions four = Captions.clean(List.of("cats".getBytes(UTF_8)), three);
    assertThat(four.texts()).isEmpty();
    assertThat(four.refusal()).contains(Reason.CAPTION_TOO_LONG);
    assertThatThrownBy(() -> new CaptionRules(Normalization.NFC, 0))
        .hasMessageContaining("max_caption_characters=0");
  }

  @Test
  void aPictureWithoutAUsableCaptionHasAReason() {
    assertThat(clean().refusal()).contains(Reason.CAPTION_MISSING);
    assertThat(clean("\u0000\u200E".substring(0, 1)).refusal()).contains(Reason.CAPTION_EMPTY);
    assertThat(clean(" ", "x".repeat(2001)).refusal()).contains(Reason.CAPTION_TOO_LONG);
    byte[] utf16 = "a cat".getBytes(UTF_16LE);
    assertThat(Captions.clean(List.of(utf16), NFC).texts()).containsExactly("a cat");
  }

  @Property(tries = 2000)
  void anyBytesBecomeCleanText(@ForAll byte[] bytes) {
    for (CaptionRules rules : List.of(NFC, NFKC, AS_IS)) {
      Captions first = Captions.clean(List.of(bytes), rules);
      assertClean(first, rules);
    }
  }

  @Property(tries = 2000)
  void anyTextBecomesCleanText(@ForAll("texts") String text) {
    for (CaptionRules rules : List.of(NFC, NFKC, AS_IS)) {
      assertClean(Captions.cleanTexts(List.of(text), rules), rules);
    }
  }

  @Property(tries = 500)
  void wellFormedBytesAreReadAsTheJdkReadsThem(@ForAll("texts") String text) {
    byte[] bytes = text.getBytes(UTF_8); // lone surrogates become question marks
    StringBuilder decoded = new StringBuilder();
    assertThat(Utf8.decode(bytes, decoded)).isZero();
    assertThat(decoded.toString()).isEqualTo(new String(bytes, UTF_8));
  }

  /** Any chars at all, and often the ones that normalisation and folding care about. */
  @Provide
  static Arbitrary<String> texts() {
    Arbitrary<String> any = Arbitraries.strings().ofMaxLength(40);
    Arbitrary<String> special =
        Arbitraries.of(
                " ", "\u00a0", "\u0301", "\u0308", "\u00a8", "\u1160", "\u1100", "\u1161", "\u11a8",
                "\uFDFA", "\u0000", "\uFEFF", "\u202e", "\uD83D", "\uDE00", "a", "\uFFFE", "\u3000")
            .list()
            .ofMaxSize(12)
            .map(parts -> String.join("", parts));
    return Arbitraries.oneOf(any, special);
  }

  private static void assertClean(Captions cleaned, CaptionRules rules) {
    assertThat(cleaned.given())
        .isEqualTo(
            cleaned.texts().size() + cleaned.empty() + cleaned.tooLong() + cleaned.repeated());
    for (String text : cleaned.texts()) {
      assertThat(text).isEqualTo(text.strip()).doesNotContain("  ");
      assertThat(text.chars()).noneMatch(Character::isISOControl);
      assertThat(text.codePoints()).noneMatch(c -> c >= 0xD800 && c <= 0xDFFF);
      if (rules.normalization() == Normalization.NFC) {
        assertThat(Normalizer.isNormalized(text, Normalizer.Form.NFC)).isTrue();
      }
      Captions again = Captions.clean(List.of(text.getBytes(UTF_8)), rules);
      assertThat(again.texts()).as("cleaned again").containsExactly(text);
      assertThat(again.repairs()).isZero();
    }
  }
}
