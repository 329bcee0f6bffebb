package org.talespark.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.talespark.zoo.io.Nearest;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

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

  /** What is wrong with a command line, with the nearest right word where there is one. */
  static String usage(ParameterException e) {
    // a mistyped required option is both missing and unknown: the latter says more
    CommandLine line = e.getCommandLine();
    List<String> unmatched =
        e instanceof UnmatchedArgumentException u ? u.getUnmatched() : line.getUnmatchedArguments();
    if (unmatched.isEmpty()) {
      return Objects.requireNonNullElse(e.getMessage(), "wrong usage");
    }
    String word = unmatched.get(0);
    List<String> valid = new ArrayList<>();
    String kind;
    if (word.startsWith("-")) {
      kind = "option";
      line.getCommandSpec().optionsMap().keySet().stream()
          .filter(name -> name.startsWith("--"))
          .forEach(valid::add);
    } else if (!line.getSubcommands().isEmpty()) {
      kind = "command";
      valid.addAll(line.getSubcommands().keySet());
    } else {
      kind = "argument";
    }
    String name = word.replaceFirst("=.*", "");
    return "Unknown %s: %s%s"
        .formatted(
            kind, name, Nearest.to(name, valid).map(n -> "; did you mean " + n + "?").orElse(""));
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
