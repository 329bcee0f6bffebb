package org.talespark.zoo.io;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.commons.text.similarity.JaroWinklerSimilarity;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** The valid names that a mistyped one most probably meant. */
public final class Nearest {

  private static final double RESEMBLES = 0.78;

  private Nearest() {}

  /** The candidate nearest to a name, or empty when none resembles it. */
  public static Optional<String> to(String name, Collection<String> candidates) {
    return all(name, candidates).stream().findFirst();
  }

  /** The candidates that resemble a name, the nearest first. */
  public static List<String> all(String name, Collection<String> candidates) {
    String wanted = normal(name);
    return candidates.stream()
        .filter(c -> resembles(wanted, normal(c)))
        .sorted(
            Comparator.<String>comparingInt(
                    c -> LevenshteinDistance.getDefaultInstance().apply(wanted, normal(c)))
                .thenComparing(Comparator.naturalOrder()))
        .toList();
  }

  private static boolean resembles(String wanted, String candidate) {
    int edits = LevenshteinDistance.getDefaultInstance().apply(wanted, candidate);
    int longest = Math.max(wanted.length(), candidate.length());
    return edits <= Math.max(1, longest / 3)
        || new JaroWinklerSimilarity().apply(wanted, candidate) >= RESEMBLES;
  }

  private static String normal(String name) {
    return name.toLowerCase(Locale.ROOT).replace('-', '_');
  }
}
