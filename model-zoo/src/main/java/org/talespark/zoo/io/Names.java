package org.talespark.zoo.io;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;

/** Tensor names and metadata keys: their order, their limits, and how messages show them. */
final class Names {
  private static final int SHOWN = 120;

  /** The order of the UTF-8 bytes, which differs from Java's for characters beyond the BMP. */
  static final Comparator<String> UTF8_ORDER =
      (a, b) ->
          Arrays.compareUnsigned(
              a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));

  private Names() {}

  /** Whether the text can be written as UTF-8: no half of a surrogate pair stands alone. */
  static boolean isUnicode(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        return false;
      }
    }
    return true;
  }

  /** The name for a message: shortened, control characters replaced. */
  static String quote(String name) {
    String clean = name.replaceAll("\\p{Cntrl}", "?");
    return clean.length() <= SHOWN
        ? "'" + clean + "'"
        : "'%s...' (%d characters)".formatted(clean.substring(0, SHOWN), clean.length());
  }

  /** The first few names for a message. */
  static String some(Collection<String> names) {
    String shown = names.stream().limit(8).map(Names::quote).toList().toString();
    return names.size() <= 8 ? shown : shown + " and " + (names.size() - 8) + " more";
  }
}
