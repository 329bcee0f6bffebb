package org.talespark.data.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Byte pair encoding as slowly and plainly as it can be written. */
final class NaiveBpe {

  private NaiveBpe() {}

  static List<String> bytes(String word) {
    List<String> symbols = new ArrayList<>();
    for (byte value : word.getBytes(UTF_8)) {
      symbols.add(String.valueOf(ByteAlphabet.character(value & 0xFF)));
    }
    return symbols;
  }

  /** The merges of a training, all pairs counted anew for each. */
  static List<Bpe.Merge> train(Map<String, Long> words, int most, long leastPairCount) {
    List<List<String>> symbols = new ArrayList<>();
    List<Long> counts = new ArrayList<>();
    words.forEach(
        (word, count) -> {
          symbols.add(bytes(word));
          counts.add(count);
        });
    List<Bpe.Merge> merges = new ArrayList<>();
    while (merges.size() < most) {
      Map<List<String>, Long> pairs = new TreeMap<>(NaiveBpe::compare);
      for (int w = 0; w < symbols.size(); w++) {
        for (int i = 1; i < symbols.get(w).size(); i++) {
          pairs.merge(
              List.of(symbols.get(w).get(i - 1), symbols.get(w).get(i)), counts.get(w), Long::sum);
        }
      }
      List<String> best = null;
      for (Map.Entry<List<String>, Long> pair : pairs.entrySet()) {
        if (pair.getValue() >= leastPairCount
            && (best == null || pair.getValue() > pairs.get(best))) {
          best = pair.getKey();
        }
      }
      if (best == null) {
        return merges;
      }
      Bpe.Merge merge = new Bpe.Merge(best.get(0), best.get(1));
      merges.add(merge);
      symbols.replaceAll(word -> apply(word, merge));
    }
    return merges;
  }

  private static int compare(List<String> a, List<String> b) {
    int left = a.get(0).compareTo(b.get(0));
    return left != 0 ? left : a.get(1).compareTo(b.get(1));
  }

  private static List<String> apply(List<String> symbols, Bpe.Merge merge) {
    List<String> out = new ArrayList<>();
    for (int i = 0; i < symbols.size(); i++) {
      if (i + 1 < symbols.size()
          && symbols.get(i).equals(merge.left())
          && symbols.get(i + 1).equals(merge.right())) {
        out.add(merge.left() + merge.right());
        i++;
      } else {
        out.add(symbols.get(i));
      }
    }
    return out;
  }

  /**
   * Tokens of a text: each word's bytes, merged by the first merge that applies, again and again.
   */
  static List<String> encode(Bpe bpe, String text) {
    List<String> tokens = new ArrayList<>();
    for (String word : PreTokenizer.words(text)) {
      List<String> symbols = bytes(word);
      for (boolean merged = true; merged; ) {
        merged = false;
        for (Bpe.Merge merge : bpe.merges()) {
          List<String> next = apply(symbols, merge);
          if (next.size() < symbols.size()) {
            symbols = next;
            merged = true;
            break;
          }
        }
      }
      tokens.addAll(symbols);
    }
    return tokens;
  }
}
