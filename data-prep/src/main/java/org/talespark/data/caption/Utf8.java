package org.talespark.data.caption;

/**
 * Strict UTF-8 decoding with repair: each maximal subpart of an ill-formed sequence becomes one
 * U+FFFD (the Unicode Standard, section 3.9, "U+FFFD substitution of maximal subparts"; the same
 * rule as the WHATWG decoder's). Surrogates, overlong forms and values above U+10FFFF are
 * ill-formed. The JDK's decoder differs in counting an encoded surrogate once instead of three
 * times.
 */
final class Utf8 {

  static final char REPLACEMENT = '\uFFFD';

  private Utf8() {}

  /** Appends the text and returns how many parts were replaced. */
  static int decode(byte[] bytes, StringBuilder out) {
    int repairs = 0;
    int at = 0;
    while (at < bytes.length) {
      int lead = bytes[at] & 0xFF;
      int length = length(lead);
      int good = good(bytes, at, lead, length);
      if (good == length) {
        out.appendCodePoint(codePoint(bytes, at, lead, length));
        at += length;
      } else {
        out.append(REPLACEMENT);
        repairs++;
        at += Math.max(1, good);
      }
    }
    return repairs;
  }

  /** Bytes of the sequence that the lead byte begins; a lead byte that there is not says 5. */
  private static int length(int lead) {
    if (lead < 0x80) {
      return 1;
    }
    if (lead < 0xC2) {
      return 5;
    }
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 5;
  }

  /** How many bytes from {@code at} on are the beginning of a well-formed sequence, table 3-7. */
  private static int good(byte[] bytes, int at, int lead, int length) {
    if (length == 5) {
      return 0;
    }
    int good = 1;
    while (good < length && at + good < bytes.length) {
      int next = bytes[at + good] & 0xFF;
      int least = 0x80;
      int most = 0xBF;
      if (good == 1) {
        least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
      }
      if (next < least || next > most) {
        return good;
      }
      good++;
    }
    return good;
  }

  private static int codePoint(byte[] bytes, int at, int lead, int length) {
    int point = length == 1 ? lead : lead & (0x7F >> length);
    for (int i = 1; i < length; i++) {
      point = point << 6 | (bytes[at + i] & 0x3F);
    }
    return point;
  }

  /** Appends the text with each lone surrogate as one U+FFFD and returns how many there were. */
  static int repair(String text, StringBuilder out) {
    int repairs = 0;
    for (int i = 0; i < text.length(); ) {
      int point = text.codePointAt(i);
      i += Character.charCount(point);
      if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
        out.append(REPLACEMENT);
        repairs++;
      } else {
        out.appendCodePoint(point);
      }
    }
    return repairs;
  }
}
