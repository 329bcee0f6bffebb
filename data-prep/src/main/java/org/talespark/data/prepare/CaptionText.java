package org.talespark.data.prepare;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;

/**
 * A cleaned caption: UTF-8, no control characters, single spaces, NFC.
 *
 * @param repairs how many byte sequences were no UTF-8; each byte of them is read as Windows-1252,
 *     the usual cause, or dropped where that has no character
 */
record CaptionText(String text, int repairs) {

  private static final Charset WESTERN = Charset.forName("windows-1252");

  static CaptionText clean(byte[] bytes) {
    StringBuilder decoded = new StringBuilder(bytes.length);
    int repairs = decode(bytes, decoded);
    return new CaptionText(tidy(decoded), repairs);
  }

  static CaptionText clean(String text) {
    return new CaptionText(tidy(text), 0);
  }

  private static int decode(byte[] bytes, StringBuilder out) {
    CharsetDecoder utf8 =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer chars = CharBuffer.allocate(1024);
    int repairs = 0;
    while (true) {
      CoderResult result = utf8.decode(in, chars, true);
      out.append(chars.flip());
      chars.clear();
      if (result.isUnderflow()) {
        return repairs;
      }
      if (result.isError()) {
        String western = new String(bytes, in.position(), result.length(), WESTERN);
        western.chars().filter(c -> c != '\uFFFD').forEach(c -> out.append((char) c));
        in.position(in.position() + result.length());
        repairs++;
      }
    }
  }

  private static String tidy(CharSequence text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean space = false;
    String normal = Normalizer.normalize(text, Normalizer.Form.NFC);
    for (int i = 0; i < normal.length(); ) {
      int c = normal.codePointAt(i);
      i += Character.charCount(c);
      if (Character.isWhitespace(c) || Character.isSpaceChar(c)) {
        space = true;
      } else if (!dropped(c)) {
        if (space && out.length() > 0) {
          out.append(' ');
        }
        space = false;
        out.appendCodePoint(c);
      }
    }
    return out.toString();
  }

  private static boolean dropped(int c) {
    int type = Character.getType(c);
    boolean bidi = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
    return type == Character.CONTROL
        || type == Character.SURROGATE
        || type == Character.UNASSIGNED
        || c == 0xFEFF
        || bidi;
  }
}
