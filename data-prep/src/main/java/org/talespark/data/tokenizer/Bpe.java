package org.talespark.data.tokenizer;

import java.util.List;

/**
 * A byte-level BPE vocabulary.
 *
 * @param special the first ids
 * @param tokens the ids after them, in the characters of {@link ByteAlphabet}: bytes, then what
 *     merges made
 * @param merges in the order in which they apply
 */
record Bpe(List<String> special, List<String> tokens, List<Merge> merges) {

  /** Two tokens that become one. */
  record Merge(String left, String right) {}

  Bpe {
    special = List.copyOf(special);
    tokens = List.copyOf(tokens);
    merges = List.copyOf(merges);
  }

  int size() {
    return special.size() + tokens.size();
  }
}
