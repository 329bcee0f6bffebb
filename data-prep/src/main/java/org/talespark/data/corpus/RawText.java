package org.talespark.data.corpus;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * UTF-8 to characters and back without loss: a byte that is no UTF-8 becomes the lone surrogate
 * U+DC00 plus the byte, so that text can be parsed first and repaired later, where repairs are
 * counted.
 */
final class RawText {

  private static final char ESCAPE = '\uDC00';

  private RawText() {}

  static String decode(byte[] bytes) {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    while (true) {
      CoderResult result = decoder.decode(in, out, true);
      if (!result.isError()) {
        return out.flip().toString();
      }
      for (int i = 0; i < result.length(); i++) {
        out.put((char) (ESCAPE + (in.get() & 0xFF)));
      }
      decoder.reset();
    }
  }

  /** The bytes that {@link #decode} had; other lone surrogates become bytes that are no UTF-8. */
  static byte[] encode(String text) {
    byte[] plain = text.getBytes(StandardCharsets.UTF_8);
    if (text.chars().noneMatch(c -> Character.isSurrogate((char) c))) {
      return plain;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(plain.length);
    int[] points = text.codePoints().toArray();
    for (int point : points) {
      if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
        int low = point - ESCAPE;
        bytes.write(low >= 0x80 && low <= 0xFF ? low : 0xFF);
      } else {
        byte[] one = Character.toString(point).getBytes(StandardCharsets.UTF_8);
        bytes.write(one, 0, one.length);
      }
    }
    return bytes.toByteArray();
  }

  /** The text with U+FFFD for what is no text. */
  static String readable(String text) {
    if (text.chars().noneMatch(c -> Character.isSurrogate((char) c))) {
      return text;
    }
    StringBuilder readable = new StringBuilder(text.length());
    text.codePoints()
        .map(
            point ->
                point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE
                    ? 0xFFFD
                    : point)
        .forEach(readable::appendCodePoint);
    return readable.toString();
  }
}
