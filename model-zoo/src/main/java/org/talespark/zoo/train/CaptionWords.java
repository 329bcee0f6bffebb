package org.talespark.zoo.train;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** The words of a caption: its runs of letters, in lower case. */
public final class CaptionWords {
  private static final Pattern BETWEEN = Pattern.compile("[^\\p{L}]+");

  private CaptionWords() {}

  /** In order, with repetitions. */
  public static List<String> of(String caption) {
    return BETWEEN
        .splitAsStream(caption.toLowerCase(Locale.ROOT))
        .filter(word -> !word.isEmpty())
        .toList();
  }
}
