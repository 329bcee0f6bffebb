package org.talespark.data.caption;

/** Which characters stay in a caption. Takes valid Unicode and returns valid Unicode. */
final class Tidy {

  private Tidy() {}

  /** Strips first, so that normalisation composes what only a dropped character kept apart. */
  static String text(CharSequence raw, Normalization normalization) {
    // compatibility forms can hold spaces, so white space is folded again afterwards
    return fold(normalization.apply(fold(raw)));
  }

  private static String fold(CharSequence text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean space = false;
    for (int i = 0; i < text.length(); ) {
      int point = Character.codePointAt(text, i);
      i += Character.charCount(point);
      if (isSpace(point)) {
        space = true;
      } else if (!isDropped(point)) {
        if (space && out.length() > 0) {
          out.append(' ');
        }
        space = false;
        out.appendCodePoint(point);
      }
    }
    return out.toString();
  }

  /** Unicode's White_Space, and the separators U+001C to U+001F, which Java counts among it. */
  private static boolean isSpace(int point) {
    return Character.isWhitespace(point) || Character.isSpaceChar(point) || point == 0x85;
  }

  /**
   * Control characters, noncharacters, the byte order mark, interlinear annotation marks, and
   * embeddings, overrides and isolates of the bidirectional algorithm, which can turn other text
   * around. Unassigned characters stay: they are assigned in a later Unicode than this Java's.
   */
  private static boolean isDropped(int point) {
    boolean nonCharacter = (point & 0xFFFE) == 0xFFFE || (point >= 0xFDD0 && point <= 0xFDEF);
    boolean bidi = (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
    boolean annotation = point >= 0xFFF9 && point <= 0xFFFB;
    return Character.getType(point) == Character.CONTROL
        || nonCharacter
        || bidi
        || annotation
        || point == 0xFEFF;
  }
}
