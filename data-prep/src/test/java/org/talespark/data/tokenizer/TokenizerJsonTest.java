package org.talespark.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Against the Hugging Face library. */
class TokenizerJsonTest {

  private static final List<String> TEXTS =
      List.of(
          "A red cat sits on the mat and looks at the red ball.",
          "The cats' ball isn't red, it's blue; they'll see. 12 cats, 345 balls!",
          "Ein kleiner B\u00e4r schl\u00e4ft im gr\u00fcnen Wald, \u00e0 c\u00f4t\u00e9 du caf\u00e9.",
          "\u8d64\u3044\u732b\u304c\u30de\u30c3\u30c8\u306e\u4e0a\u306b\u5ea7\u3063\u3066\u3044\u308b",
          "\u0412 \u043b\u0435\u0441\u0443 \u0436\u0438\u0432\u0451\u0442 \u043c\u0435\u0434\u0432\u0435\u0434\u044c",
          "\uD83D\uDC31 cat \uD83D\uDC68\u200D\uD83D\uDC69\u200D\uD83D\uDC67 family \uD83D\uDC31\uD83D\uDC31");

  private static final Bpe BPE = train(List.of("<pad>", "<bos>", "<eos>"));
  private static final HuggingFaceTokenizer TOKENIZER = load(BPE);

  private static Bpe train(List<String> special) {
    Map<String, Long> counts = new HashMap<>();
    TEXTS.forEach(t -> PreTokenizer.words(t).forEach(w -> counts.merge(w, 1L, Long::sum)));
    BpeTrainer trainer = new BpeTrainer();
    counts.forEach(trainer::add);
    return trainer.train(420, 1, special);
  }

  private static HuggingFaceTokenizer load(Bpe bpe) {
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(TokenizerJson.write(bpe)), Map.of());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<Long> ids(Bpe bpe, String text) {
    List<Long> ids = new ArrayList<>();
    for (String token : NaiveBpe.encode(bpe, text)) {
      ids.add((long) bpe.special().size() + bpe.tokens().indexOf(token));
    }
    return ids;
  }

  @Test
  void captionsBecomeTheSameIdsAndTokens() {
    assertThat(BPE.merges()).hasSizeGreaterThan(150);
    for (String text : TEXTS) {
      Encoding encoding = TOKENIZER.encode(text, false, false);
      assertThat(encoding.getIds()).as(text).containsExactly(unboxed(ids(BPE, text)));
      assertThat(encoding.getTokens())
          .containsExactly(NaiveBpe.encode(BPE, text).toArray(String[]::new));
      assertThat(TOKENIZER.decode(encoding.getIds(), false)).isEqualTo(text);
    }
  }

  @Property(tries = 1000)
  void anyTextBecomesTheIdsOfTheReferenceAndComesBack(@ForAll("texts") String text) {
    long[] ids = TOKENIZER.encode(text, false, false).getIds();
    assertThat(ids).containsExactly(unboxed(ids(BPE, text)));
    assertThat(TOKENIZER.decode(ids, false)).isEqualTo(text);
  }

  @Property(tries = 1000)
  void everyUnicodeTextComesBack(@ForAll("anyScalars") String text) {
    long[] ids = TOKENIZER.encode(text).getIds();
    assertThat(ids[0]).isEqualTo(1);
    assertThat(ids[ids.length - 1]).isEqualTo(2);
    assertThat(TOKENIZER.decode(ids, true)).isEqualTo(text);
  }

  /** Pieces of captions and characters that this Java's Unicode knows. */
  @Provide
  static Arbitrary<String> texts() {
    Arbitrary<String> known =
        Arbitraries.integers()
            .between(0, 0x1FFFF)
            .filter(TokenizerJsonTest::isKnown)
            .map(Character::toString);
    Arbitrary<String> pieces =
        Arbitraries.of(
            " ",
            "  ",
            "\n",
            "'s",
            "cat",
            " ball",
            "red",
            "12",
            "\u3044",
            "\uD83D\uDC31",
            ".",
            "\t");
    return Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(1, known), net.jqwik.api.Tuple.of(3, pieces))
        .list()
        .ofMaxSize(25)
        .map(parts -> String.join("", parts));
  }

  private static boolean isKnown(int point) {
    return Character.isDefined(point) && Character.getType(point) != Character.SURROGATE;
  }

  @Provide
  static Arbitrary<String> anyScalars() {
    return Arbitraries.integers()
        .between(0, 0x10FFFF)
        .filter(point -> point < 0xD800 || point > 0xDFFF)
        .map(Character::toString)
        .list()
        .ofMaxSize(40)
        .map(points -> String.join("", points));
  }

  @Test
  void specialTokensHaveTheFirstIdsAndAreFoundInText() {
    assertThat(TOKENIZER.encode("<pad>cat<eos>", false, false).getIds()).startsWith(0).endsWith(2);
    assertThat(TOKENIZER.encode("cat").getTokens()).startsWith("<bos>").endsWith("<eos>");
    assertThat(TOKENIZER.encode("").getIds()).containsExactly(1, 2);
    assertThat(TOKENIZER.encode("a", "b").getIds()).hasSize(6).startsWith(1).endsWith(2);
  }

  @Test
  void otherSpecialTokensAndNoneAreLoadedToo() {
    try (HuggingFaceTokenizer named = load(train(List.of("<eos>", "<image>")));
        HuggingFaceTokenizer plain = load(train(List.of()))) {
      assertThat(named.encode("<image>").getIds()).containsExactly(1, 0);
      assertThat(plain.encode("cat", false, false).getIds())
          .containsExactly(plain.encode("cat").getIds());
    }
  }

  @Test
  void theSameVocabularyGivesTheSameBytes() {
    assertThat(TokenizerJson.write(train(BPE.special()))).isEqualTo(TokenizerJson.write(BPE));
  }

  private static long[] unboxed(List<Long> ids) {
    return ids.stream().mapToLong(Long::longValue).toArray();
  }
}
