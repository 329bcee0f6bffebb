package org.talespark.data.tokenizer;

/**
 * GPT-2's reversible alphabet: each byte as one visible character. Bytes that are printable in
 * Latin-1 stand for themselves, the other 68 are the characters from U+0100 on, in their order, so
 * that the space is U+0120.
 */
final class ByteAlphabet {

  static final int BYTES = 256;

  private static final char[] CHARACTERS = characters();

  private ByteAlphabet() {}

  private static char[] characters() {
    char[] characters = new char[BYTES];
    char next = BYTES;
    for (char value = 0; value < BYTES; value++) {
      boolean printable =
          (value >= '!' && value <= '~') || (value >= 0xA1 && value <= 0xFF && value != 0xAD);
      characters[value] = printable ? value : next++;
    }
    return characters;
  }

  /** The character of a byte, 0 to 255. */
  static char character(int value) {
    return CHARACTERS[value];
  }
}
