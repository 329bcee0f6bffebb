package org.talespark.zoo.fusion;

import java.util.Set;
import java.util.stream.IntStream;
import org.talespark.zoo.text.Tokenizer;

/** Which tokens may be masked, and what may stand in their place. */
final class MaskVocabulary {
  private final int mask;
  private final boolean[] special;
  private final int[] ordinary;

  private MaskVocabulary(int mask, int count, Set<Integer> specials) {
    this.mask = mask;
    this.special = new boolean[count];
    specials.forEach(id -> special[id] = true);
    this.ordinary = IntStream.range(0, count).filter(id -> !special[id]).toArray();
  }

  /**
   * That of a tokenizer.
   *
   * @param maskToken the special token that stands in the place of others
   * @throws IllegalArgumentException when it has none of this name, or nothing but special tokens
   */
  static MaskVocabulary of(Tokenizer tokenizer, String maskToken) {
    int mask =
        tokenizer
            .special(maskToken)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Cannot use tokenizer: it has no special token %s, expected one for masked language modelling (objectives.mlm.mask_token); try `talespark tokenizer` with --special '<pad>' --special '<eos>' --special '<bos>' --special '%s', or task.objectives.mlm=null"
                            .formatted(maskToken, maskToken)));
    MaskVocabulary made = new MaskVocabulary(mask, tokenizer.vocabulary(), tokenizer.specials());
    if (made.ordinary.length == 0) {
      throw new IllegalArgumentException(
          "Cannot use tokenizer: all its %d tokens are special, expected some that are not"
              .formatted(tokenizer.vocabulary()));
    }
    return made;
  }

  /** The id of the mask token. */
  int mask() {
    return mask;
  }

  boolean special(int token) {
    return special[token];
  }

  /** A token that is not special, each as likely as another. */
  int ordinary(double uniform) {
    return ordinary[(int) (uniform * ordinary.length)];
  }
}
