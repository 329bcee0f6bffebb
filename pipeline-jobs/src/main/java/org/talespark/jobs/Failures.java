package org.talespark.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** One line that says what went wrong. */
final class Failures {

  private static final int LONGEST = 600;

  private Failures() {}

  /** The failure's own words and, where they add something, those of its causes. */
  static String sentence(Throwable failure) {
    List<String> parts = new ArrayList<>();
    for (Throwable t = failure; t != null && parts.size() < 4; t = t.getCause()) {
      String words = words(t);
      if (parts.stream().noneMatch(p -> p.contains(words) || words.contains(p))) {
        parts.add(words);
      }
    }
    String sentence = String.join("; because: ", parts);
    return sentence.length() <= LONGEST ? sentence : sentence.substring(0, LONGEST) + "...";
  }

  private static String words(Throwable t) {
    String message = t.getMessage() == null ? "" : t.getMessage().strip();
    String first = message.lines().findFirst().orElse("");
    String type = t.getClass().getSimpleName();
    boolean ours = t.getClass().getName().startsWith("org.talespark");
    boolean says = t instanceof IllegalArgumentException || t instanceof IllegalStateException;
    if (first.isEmpty()) {
      return type.toLowerCase(Locale.ROOT).endsWith("exception") ? type : "failed with " + type;
    }
    return ours || says ? first : type + ": " + first;
  }
}
