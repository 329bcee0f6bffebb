package org.talespark.zoo.fusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.talespark.zoo.contrastive.ClipTexts;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.text.TokenizerFiles;

class MaskedTokensTest {
  private static final int PAD = 0;
  private static final int END = 1;
  private static final int BEGIN = 2;
  private static final int MASK = 3;
  private static final int FIRST = 4; // the first ordinary token
  private static final int LENGTH = 24;
  private static final int BATCH = 6;

  /** Ordinary tokens of each text. */
  private static final int[] WORDS = {20, 1, 7, 0, 12, 22};

  private static MaskVocabulary vocabulary() {
    String[] words = new String[30];
    Arrays.setAll(words, i -> "word" + i);
    try (Tokenizer tokenizer = new Tokenizer(TokenizerFiles.wordsWithMask(words))) {
      return MaskVocabulary.of(tokenizer, "<mask>");
    }
  }

  /** Begin, words, end, padding; the last text is the longest there may be. */
  private static ClipTexts.Rows texts() {
    int[] ids = new int[BATCH * LENGTH];
    int[] ends = new int[BATCH];
    for (int b = 0; b < BATCH; b++) {
      int at = b * LENGTH;
      ids[at++] = BEGIN;
      for (int w = 0; w < WORDS[b]; w++) {
        ids[at++] = FIRST + (7 * b + 3 * w) % 31;
      }
      ids[at] = END;
      ends[b] = at;
    }
    return new ClipTexts.Rows(ids, ends, 0);
  }

  private static long[] keys(long step) {
    long[] keys = new long[BATCH];
    Arrays.setAll(keys, b -> MaskedTokens.key(NoiseKey.training(5, step, "sample " + b)));
    return keys;
  }

  @Test
  void fifteenPercentOfOrdinaryTokensAreChosenOfTheseEightyTenAndTen() {
    ClipTexts.Rows texts = texts();
    MaskedTokens masked = new MaskedTokens(vocabulary(), 0.15, BATCH, LENGTH);
    int steps = 20_000;
    int ordinary = Arrays.stream(WORDS).sum() * steps;
    int[][] chosen = new int[BATCH][LENGTH];
    int[] replacements = new int[FIRST + 31];
    int total = 0;
    int hidden = 0;
    int random = 0;
    int kept = 0;
    for (int step = 0; step < steps; step++) {
      masked.draw(texts, keys(step));
      total += masked.total();
      for (int b = 0; b < BATCH; b++) {
        double mean = 0.15 * WORDS[b];
        assertThat(masked.count(b)).isBetween((int) Math.floor(mean), (int) Math.ceil(mean));
        for (int k = 0; k < masked.count(b); k++) {
          int position = masked.position(b, k);
          int now = masked.ids()[b * LENGTH + position];
          chosen[b][position]++;
          if (now == MASK) {
            hidden++;
          } else if (now == masked.label(b, k)) {
            kept++;
          } else {
            random++;
            replacements[now]++;
          }
        }
      }
    }
    assertThat((double) total / ordinary).isCloseTo(0.15, Offset.offset(5e-4));
    assertThat((double) hidden / total).isCloseTo(0.8, Offset.offset(3e-3));
    // one random token in thirty-one is what stood there
    assertThat((double) random / total).isCloseTo(0.1 * 30 / 31, Offset.offset(3e-3));
    assertThat((double) kept / total).isCloseTo(0.1 + 0.1 / 31, Offset.offset(3e-3));
    for (int b = 0; b < BATCH; b++) {
      for (int n = 0; n < LENGTH; n++) {
        boolean word = n >= 1 && n <= WORDS[b];
        double share = (double) chosen[b][n] / steps;
        assertThat(share).isCloseTo(word ? 0.15 : 0, Offset.offset(word ? 0.015 : 0.0));
      }
    }
    for (int id = 0; id < replacements.length; id++) { // never a special token, any other alike
      double share = (double) replacements[id] / random;
      assertThat(share).isCloseTo(id < FIRST ? 0 : 1 / 31.0, Offset.offset(id < FIRST ? 0 : 0.01));
    }
  }

  @Test
  void whatIsNotChosenStaysAndLabelsAreWhatStoodThere() {
    ClipTexts.Rows texts = texts();
    int[] before = texts.ids().clone();
    MaskedTokens masked = new MaskedTokens(vocabulary(), 0.5, BATCH, LENGTH);
    for (int step = 0; step < 50; step++) {
      masked.draw(texts, keys(step));
      int[] restored = masked.ids().clone();
      for (int b = 0; b < BATCH; b++) {
        Set<Integer> positions = new HashSet<>();
        for (int k = 0; k < masked.count(b); k++) {
          assertThat(positions.add(masked.position(b, k))).isTrue();
          restored[b * LENGTH + masked.position(b, k)] = masked.label(b, k);
        }
      }
      assertThat(restored).isEqualTo(before);
      assertThat(texts.ids()).isEqualTo(before);
      assertThat(masked.count(3)).isZero(); // a text without words
    }
  }

  @Test
  void aDrawDependsOnTheSampleAloneNotOnItsBatch() {
    ClipTexts.Rows texts = texts();
    MaskedTokens whole = new MaskedTokens(vocabulary(), 0.3, BATCH, LENGTH);
    MaskedTokens part = new MaskedTokens(vocabulary(), 0.3, 2, LENGTH);
    whole.draw(texts, keys(9));
    for (int from = 0; from < BATCH; from += 2) {
      int[] ids = Arrays.copyOfRange(texts.ids(), from * LENGTH, (from + 2) * LENGTH);
      int[] ends = {texts.ends()[from] - from * LENGTH, texts.ends()[from + 1] - from * LENGTH};
      part.draw(new ClipTexts.Rows(ids, ends, 0), Arrays.copyOfRange(keys(9), from, from + 2));
      assertThat(part.ids())
          .isEqualTo(Arrays.copyOfRange(whole.ids(), from * LENGTH, (from + 2) * LENGTH));
    }
    int[] first = whole.ids().clone();
    whole.draw(texts, keys(10));
    assertThat(whole.ids()).isNotEqualTo(first);
    whole.draw(texts, keys(9));
    assertThat(whole.ids()).isEqualTo(first);
  }

  @Test
  void rowsWithoutAKeyAreNotMasked() {
    MaskedTokens masked = new MaskedTokens(vocabulary(), 0.9, BATCH, LENGTH);
    masked.draw(texts(), keys(0));
    masked.draw(texts(), Arrays.copyOf(keys(0), 1));
    assertThat(masked.count(0)).isPositive();
    assertThat(masked.total()).isEqualTo(masked.count(0));
    assertThat(Arrays.copyOfRange(masked.ids(), LENGTH, BATCH * LENGTH))
        .isEqualTo(Arrays.copyOfRange(texts().ids(), LENGTH, BATCH * LENGTH))
        .contains(PAD);
  }

  @Test
  void aTokenizerWithoutAMaskTokenIsRefusedWithWhatToDo() {
    try (Tokenizer tokenizer = new Tokenizer(TokenizerFiles.words("a", "<mask>"))) {
      assertThatThrownBy(() -> MaskVocabulary.of(tokenizer, "<mask>"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no special token <mask>")
          .hasMessageContaining("--special '<mask>'")
          .hasMessageContaining("task.objectives.mlm=null");
    }
  }
}
