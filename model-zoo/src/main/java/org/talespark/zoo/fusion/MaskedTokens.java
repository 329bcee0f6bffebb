package org.talespark.zoo.fusion;

import java.util.SplittableRandom;
import org.talespark.zoo.contrastive.ClipTexts;
import org.talespark.zoo.nn.NoiseKey;

/**
 * What chance hides of each text (Devlin 2018, arXiv:1810.04805, section 3.1): a share p of its
 * ordinary tokens, of these 80 % behind the mask token, 10 % behind any ordinary token, and 10 %
 * not at all. Special tokens and padding are never chosen.
 *
 * <p>B texts, N tokens of each, K masked tokens of a text at most, p (N - 1) rounded up. Of n
 * ordinary tokens p n are chosen, up or down by chance so that the mean is p n. All that is drawn
 * for a text depends on its key alone. The arrays are filled anew by each draw.
 */
final class MaskedTokens {
  private static final double MASK = 0.8;
  private static final double RANDOM = 0.9; // between the two a random token, above it the same

  private final MaskVocabulary vocabulary;
  private final double share;
  private final int length;
  private final int most;
  private final int[] ids;
  private final int[] positions;
  private final int[] labels;
  private final int[] counts;
  private final int[] candidates;

  /** For batches of B texts of N tokens. */
  MaskedTokens(MaskVocabulary vocabulary, double share, int batch, int length) {
    this.vocabulary = vocabulary;
    this.share = share;
    this.length = length;
    this.most = most(share, length);
    this.ids = new int[batch * length];
    this.positions = new int[batch * most];
    this.labels = new int[batch * most];
    this.counts = new int[batch];
    this.candidates = new int[length];
  }

  /** K. */
  static int most(double share, int length) {
    return (int) Math.ceil(share * (length - 1));
  }

  /**
   * Draws.
   *
   * @param texts rows of tokens, at least as many as there are keys; behind these nothing is masked
   * @param keys one a text
   */
  void draw(ClipTexts.Rows texts, long[] keys) {
    System.arraycopy(texts.ids(), 0, ids, 0, ids.length);
    for (int b = 0; b < counts.length; b++) {
      counts[b] = 0;
      if (b < keys.length) {
        draw(b, texts.ends()[b], new SplittableRandom(keys[b]));
      }
    }
  }

  private void draw(int b, int end, SplittableRandom random) {
    int first = b * length;
    int n = 0;
    for (int at = first; at <= end; at++) {
      if (!vocabulary.special(ids[at])) {
        candidates[n++] = at - first;
      }
    }
    int chosen = (int) Math.min(most, share * n + random.nextDouble());
    for (int k = 0; k < chosen; k++) {
      int other = k + (int) (random.nextDouble() * (n - k)); // each of the rest as likely
      int position = candidates[other];
      candidates[other] = candidates[k];
      candidates[k] = position;
      positions[b * most + k] = position;
      labels[b * most + k] = ids[first + position];
      double turn = random.nextDouble();
      int ordinary = vocabulary.ordinary(random.nextDouble());
      if (turn < MASK) {
        ids[first + position] = vocabulary.mask();
      } else if (turn < RANDOM) {
        ids[first + position] = ordinary;
      }
    }
    counts[b] = chosen;
  }

  /** The texts with what is hidden, [B*N]. */
  int[] ids() {
    return ids;
  }

  /** K. */
  int most() {
    return most;
  }

  /** How many tokens of a text were chosen, at most K. */
  int count(int text) {
    return counts[text];
  }

  /** How many tokens of all texts were chosen. */
  int total() {
    int sum = 0;
    for (int count : counts) {
      sum += count;
    }
    return sum;
  }

  /** Where in its text the k-th chosen token stands. */
  int position(int text, int k) {
    return positions[text * most + k];
  }

  /** What the k-th chosen token of a text is. */
  int label(int text, int k) {
    return labels[text * most + k];
  }

  /** The key of what is masked, from that of a sample. */
  static long key(long sample) {
    return NoiseKey.at(sample, 0);
  }
}
