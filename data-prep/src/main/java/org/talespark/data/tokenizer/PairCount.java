package org.talespark.data.tokenizer;

import java.util.Arrays;

/** How often two tokens stand side by side, and in which words. */
final class PairCount {

  final int left;
  final int right;
  long count;

  /** Whether the count grew since it was last put into the queue. */
  boolean grown;

  /** Words that have or once had the pair; a word may be there twice, not in a row. */
  private int[] words = new int[2];

  private int size;

  PairCount(int left, int right) {
    this.left = left;
    this.right = right;
  }

  static long key(int left, int right) {
    return (long) left << Integer.SIZE | right;
  }

  void add(int word) {
    if (size > 0 && words[size - 1] == word) {
      return;
    }
    if (size == words.length) {
      words = Arrays.copyOf(words, size + (size >> 1) + 1);
    }
    words[size++] = word;
  }

  int words() {
    return size;
  }

  int word(int index) {
    return words[index];
  }
}
