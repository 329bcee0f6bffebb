package org.talespark.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BpeTrainerTest {

  private static Bpe train(List<Map.Entry<String, Long>> words, int most, long leastPairCount) {
    BpeTrainer trainer = new BpeTrainer();
    words.forEach(word -> trainer.add(word.getKey(), word.getValue()));
    return trainer.train(most, leastPairCount, List.of("<pad>"));
  }

  @Property(tries = 500)
  void mergesAreThoseOfCountingAnewEachTime(
      @ForAll("corpora") Map<String, Long> words,
      @ForAll @IntRange(min = 0, max = 40) int merges,
      @ForAll @IntRange(min = 1, max = 5) int leastPairCount) {
    List<Bpe.Merge> expected = NaiveBpe.train(words, merges, leastPairCount);
    Bpe bpe = train(List.copyOf(words.entrySet()), 256 + merges, leastPairCount);
    // where two merges make one token the vocabulary is not full yet, and ours goes on
    assertThat(bpe.merges()).startsWith(expected.stream().distinct().toArray(Bpe.Merge[]::new));
    if (expected.stream().map(m -> m.left() + m.right()).distinct().count() == expected.size()) {
      assertThat(bpe.merges()).hasSameSizeAs(expected);
      assertThat(bpe.tokens()).hasSize(256 + expected.size());
    }
    List<Map.Entry<String, Long>> shuffled = new ArrayList<>(words.entrySet());
    Collections.shuffle(shuffled, new Random(merges));
    assertThat(train(shuffled, 256 + merges, leastPairCount)).isEqualTo(bpe);
  }

  /** Few letters, so that runs, overlaps and equal counts are common. */
  @Provide
  static Arbitrary<Map<String, Long>> corpora() {
    Arbitrary<String> words = Arbitraries.strings().withChars("aab\u00e9").ofMaxLength(9);
    return Arbitraries.maps(words, Arbitraries.longs().between(1, 6)).ofMaxSize(12);
  }

  @Property(tries = 200)
  void tokensAreNeverTwiceAndMergesMakeTokens(
      @ForAll("corpora") Map<String, Long> words, @ForAll @IntRange(max = 60) int merges) {
    Bpe bpe = train(List.copyOf(words.entrySet()), 256 + merges, 1);
    assertThat(new HashSet<>(bpe.tokens())).hasSameSizeAs(bpe.tokens());
    assertThat(new HashSet<>(bpe.merges())).hasSameSizeAs(bpe.merges());
    assertThat(bpe.merges()).allMatch(m -> bpe.tokens().contains(m.left() + m.right()));
    assertThat(bpe.size()).isEqualTo(1 + bpe.tokens().size()).isLessThanOrEqualTo(257 + merges);
  }

  @Test
  void mergesFollowCountsAndThenText() {
    Map<String, Long> words = new TreeMap<>(Map.of("hug", 10L, "pug", 5L, "pun", 12L, "bun", 4L));
    words.put("hugs", 5L);
    assertThat(train(List.copyOf(words.entrySet()), 256 + 3, 1).merges())
        .containsExactly(
            new Bpe.Merge("u", "g"), new Bpe.Merge("u", "n"), new Bpe.Merge("h", "ug"));
    List<Map.Entry<String, Long>> ties = List.of(Map.entry("zy", 1L), Map.entry("ba", 1L));
    assertThat(train(ties, 256 + 2, 1).merges())
        .containsExactly(new Bpe.Merge("b", "a"), new Bpe.Merge("z", "y"));
    assertThat(train(ties, 256 + 2, 2).merges()).isEmpty();
  }

  @Test
  void countsBeyondTheIntegersDoNotOverflow() {
    List<Map.Entry<String, Long>> words =
        List.of(Map.entry("ab", 3_000_000_000L), Map.entry("cd", 2_999_999_999L));
    assertThat(train(words, 257, 1).merges()).containsExactly(new Bpe.Merge("a", "b"));
  }

  @Test
  void aHundredThousandWordsTakeSeconds() {
    Random random = new Random(4);
    List<Map.Entry<String, Long>> words = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      StringBuilder word = new StringBuilder(" ");
      for (int n = 2 + random.nextInt(4); n > 0; n--) {
        word.append("bcdfghklmnprst".charAt(random.nextInt(14)));
        word.append("aeiou".charAt(random.nextInt(5)));
      }
      words.add(Map.entry(word.toString(), 1L + (long) (1000 / (1 + random.nextInt(1000)))));
    }
    long started = System.nanoTime();
    Bpe bpe = train(words, 4000, 2);
    assertThat(bpe.tokens()).hasSize(4000);
    assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(40));
  }

  @Test
  void theAlphabetIsThatOfGpt2() {
    assertThat(ByteAlphabet.character('a')).isEqualTo('a');
    assertThat(ByteAlphabet.character(' ')).isEqualTo('\u0120');
    assertThat(ByteAlphabet.character('\n')).isEqualTo('\u010A');
    assertThat(ByteAlphabet.character(0)).isEqualTo('\u0100');
    assertThat(ByteAlphabet.character(0xAD)).isEqualTo('\u0143');
    assertThat(ByteAlphabet.character(0xFF)).isEqualTo('\u00FF');
    assertThat(new HashSet<>(new BpeTrainer().train(0, 1, List.of()).tokens())).hasSize(256);
  }

  @Test
  void wordsAreCutAsGpt2CutsThem() {
    assertThat(PreTokenizer.words("The dog's  3 caf\u00e9s,\n we'll  "))
        .containsExactly(
            "The", " dog", "'s", " ", " 3", " caf\u00e9s", ",", "\n", " we", "'ll", "  ");
    assertThat(PreTokenizer.words("\u732b\u304c12\u0663\uD83D\uDC31\u00a0x"))
        .containsExactly("\u732b\u304c", "12\u0663", "\uD83D\uDC31", "\u00a0", "x");
    assertThat(PreTokenizer.words("")).isEmpty();
  }
}
