package org.talespark.data.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Byte pair encoding (Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with
 * Subword Units", ACL 2016): again and again the most frequent pair of neighbouring tokens becomes
 * one token. Of equally frequent pairs the one with the smaller left text goes first, then with the
 * smaller right text, so the result depends on the counted words alone, not on their order.
 *
 * <p>Counts are kept up to date: a merge touches only the words that hold its pair, and the queue
 * may hold counts that are too large by now, which are put right when they come up. All words lie
 * in one array; a million words of eleven bytes take about 400 MB with their pairs.
 */
final class BpeTrainer {

  static final int MOST_TOKENS = 1_000_000;

  private record Queued(long count, PairCount pair) {}

  private final List<String> tokens = new ArrayList<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final int[] tokenOfByte = new int[ByteAlphabet.BYTES];
  private final List<Bpe.Merge> merges = new ArrayList<>();
  private final Set<Long> merged = new HashSet<>();
  private final Map<Long, PairCount> pairs = new HashMap<>();
  private final List<PairCount> grown = new ArrayList<>();
  private final PriorityQueue<Queued> queue =
      new PriorityQueue<>(
          Comparator.comparingLong(Queued::count)
              .reversed()
              .thenComparing(queued -> tokens.get(queued.pair().left))
              .thenComparing(queued -> tokens.get(queued.pair().right)));

  private int[] symbols = new int[1 << 16];
  private int used;
  private int[] starts = new int[1 << 12];
  private int[] lengths = new int[1 << 12];
  private long[] counts = new long[1 << 12];
  private int words;
  private int[] places = new int[64];

  BpeTrainer() {
    char[] alphabet = new char[ByteAlphabet.BYTES];
    for (int value = 0; value < alphabet.length; value++) {
      alphabet[value] = ByteAlphabet.character(value);
    }
    Arrays.sort(alphabet);
    for (char character : alphabet) {
      token(String.valueOf(character));
    }
    for (int value = 0; value < tokenOfByte.length; value++) {
      tokenOfByte[value] = ids.get(String.valueOf(ByteAlphabet.character(value)));
    }
  }

  private int token(String text) {
    return ids.computeIfAbsent(
        text,
        added -> {
          tokens.add(added);
          return tokens.size() - 1;
        });
  }

  /** Takes a word that occurs {@code count} times; equal words may come in parts. */
  void add(String word, long count) {
    byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
    if (bytes.length < 2) {
      return; // nothing to merge
    }
    if (words == starts.length) {
      int larger = words + (words >> 1);
      starts = Arrays.copyOf(starts, larger);
      lengths = Arrays.copyOf(lengths, larger);
      counts = Arrays.copyOf(counts, larger);
    }
    if (used + bytes.length > symbols.length) {
      symbols = Arrays.copyOf(symbols, Math.max(used + bytes.length, used + (used >> 1)));
    }
    starts[words] = used;
    lengths[words] = bytes.length;
    counts[words] = count;
    words++;
    for (byte value : bytes) {
      symbols[used++] = tokenOfByte[value & 0xFF];
    }
  }

  /**
   * Merges until there are so many tokens, bytes included, or no pair is left that occurs {@code
   * leastPairCount} times.
   *
   * @param most how many tokens to make at most
   * @param special goes into the result as it is
   */
  Bpe train(int most, long leastPairCount, List<String> special) {
    countPairs();
    while (tokens.size() < most && !queue.isEmpty()) {
      Queued top = queue.poll();
      PairCount pair = top.pair();
      if (top.count() != pair.count) { // out of date
        if (pair.count >= leastPairCount) {
          queue.add(new Queued(pair.count, pair));
        }
      } else if (pair.count >= leastPairCount) {
        merge(pair);
      }
    }
    return new Bpe(special, tokens, merges);
  }

  private void countPairs() {
    for (int word = 0; word < words; word++) {
      for (int i = starts[word] + 1; i < starts[word] + lengths[word]; i++) {
        increase(symbols[i - 1], symbols[i], word);
      }
    }
    queueGrown();
  }

  private void merge(PairCount pair) {
    String left = tokens.get(pair.left);
    String right = tokens.get(pair.right);
    int made = token(left + right);
    // another pair can make a token that exists, and with it a pair that was merged before
    if (merged.add(PairCount.key(pair.left, pair.right))) {
      merges.add(new Bpe.Merge(left, right));
    }
    pairs.remove(PairCount.key(pair.left, pair.right));
    for (int i = 0; i < pair.words(); i++) {
      mergeIn(pair.word(i), pair, made);
    }
    pair.count = 0;
    queueGrown();
  }

  /** Merges the pair in a word, from left to right, and moves the counts of its neighbours. */
  private void mergeIn(int word, PairCount pair, int made) {
    int from = starts[word];
    int length = lengths[word];
    int to = 0;
    int found = 0;
    for (int i = 0; i < length; to++) {
      int symbol = symbols[from + i];
      boolean here = symbol == pair.left && i + 1 < length && symbols[from + i + 1] == pair.right;
      if (!here) {
        symbols[from + to] = symbol;
        i++;
        continue;
      }
      boolean besideAnother = found > 0 && places[found - 1] == to - 1;
      if (to > 0 && !besideAnother) {
        decrease(symbols[from + to - 1], pair.left, word);
      }
      if (i + 2 < length) {
        decrease(pair.right, symbols[from + i + 2], word);
      }
      symbols[from + to] = made;
      if (found == places.length) {
        places = Arrays.copyOf(places, 2 * found);
      }
      places[found++] = to;
      i += 2;
    }
    lengths[word] = to;
    for (int i = 0; i < found; i++) {
      int at = places[i];
      boolean besideAnother = i > 0 && places[i - 1] == at - 1;
      if (at > 0 && !besideAnother) {
        increase(symbols[from + at - 1], made, word);
      }
      if (at + 1 < to) {
        increase(made, symbols[from + at + 1], word);
      }
    }
  }

  private void increase(int left, int right, int word) {
    PairCount pair =
        pairs.computeIfAbsent(PairCount.key(left, right), key -> new PairCount(left, right));
    pair.count += counts[word];
    pair.add(word);
    if (!pair.grown) {
      pair.grown = true;
      grown.add(pair);
    }
  }

  private void decrease(int left, int right, int word) {
    PairCount pair = pairs.get(PairCount.key(left, right));
    if (pair != null) { // null for the pair that is being merged, in runs of one token
      pair.count -= counts[word];
    }
  }

  private void queueGrown() {
    for (PairCount pair : grown) {
      pair.grown = false;
      if (pair.count > 0) {
        queue.add(new Queued(pair.count, pair));
      }
    }
    grown.clear();
  }
}
