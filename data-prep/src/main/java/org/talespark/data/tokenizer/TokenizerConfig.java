package org.talespark.data.tokenizer;

import static java.util.Objects.requireNonNull;

import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The settings of tokenizer training; in configuration files in snake case under {@code tokenizer}.
 *
 * @param special tokens that text never becomes by itself, with ids from 0 on in this order; {@code
 *     <bos>} and {@code <eos>}, where they are among them, are put around encoded text
 * @param leastPairCount how often two tokens must stand side by side to become one
 */
public record TokenizerConfig(List<String> special, long leastPairCount) {

  /** The special token that begins encoded text. */
  public static final String BOS = "<bos>";

  /** The special token that ends encoded text. */
  public static final String EOS = "<eos>";

  // words never mix brackets with letters or digits, so no merged token can look like this
  private static final Pattern NAME = Pattern.compile("<[!-;=?-~]*[A-Za-z0-9][!-;=?-~]*>");
  private static final int LONGEST = 64;

  public TokenizerConfig {
    special = List.copyOf(requireNonNull(special, "special"));
    for (String name : special) {
      if (name.length() > LONGEST || !NAME.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "Cannot train tokenizer: special=%s, expected a name such as <pad>: ASCII in angle brackets, with a letter or digit, without white space, at most %d characters"
                .formatted(name, LONGEST));
      }
    }
    if (new HashSet<>(special).size() != special.size()) {
      throw new IllegalArgumentException(
          "Cannot train tokenizer: special=%s, expected each name once".formatted(special));
    }
    if (leastPairCount < 1) {
      throw new IllegalArgumentException(
          "Cannot train tokenizer: tokenizer.least_pair_count=%d, expected >= 1"
              .formatted(leastPairCount));
    }
  }

  /**
   * Padding, end and beginning; pairs that occur twice. Bytes cover all text: none is unknown. The
   * end is not token 2, since Hugging Face's CLIP reads that id as "the largest one".
   */
  public static TokenizerConfig defaults() {
    return new TokenizerConfig(List.of("<pad>", EOS, BOS), 2);
  }

  /** The same with other special tokens. */
  public TokenizerConfig withSpecial(List<String> names) {
    return new TokenizerConfig(names, leastPairCount);
  }

  /** The smallest vocabulary: special tokens and bytes. */
  public int leastVocabulary() {
    return special.size() + ByteAlphabet.BYTES;
  }

  /**
   * Checks the size of a vocabulary.
   *
   * @throws IllegalArgumentException when it has no room for special tokens and bytes
   */
  public void checkVocabulary(int vocabulary) {
    if (vocabulary < leastVocabulary() || vocabulary > BpeTrainer.MOST_TOKENS) {
      throw new IllegalArgumentException(
          "Cannot train tokenizer: vocab=%d, expected %d (special tokens and bytes) to %d"
              .formatted(vocabulary, leastVocabulary(), BpeTrainer.MOST_TOKENS));
    }
  }
}
