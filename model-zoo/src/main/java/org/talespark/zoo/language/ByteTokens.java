package org.talespark.zoo.language;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.List;

/**
 * Texts as tokens: their UTF-8 bytes, 0 to 255, and three more for the begin, the end and what is
 * behind the end.
 */
public final class ByteTokens {
  public static final int BEGIN = 256;
  public static final int END = 257;
  public static final int PAD = 258;

  /** How many tokens there are. */
  public static final int COUNT = 259;

  /**
   * Texts as a model reads and predicts them: in each row the label of a position is the token
   * after it.
   *
   * @param inputs [rows * context]: begin, bytes, padding
   * @param labels [rows * context]: bytes, end, padding
   * @param weights [rows * context]: 1 where the label is a token of the text or its end, else 0
   * @param tokens how many weights are 1
   * @param bytes how many of these are bytes
   * @param cut texts that lost their ends, because with them they are longer than the context
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Rows(int[] inputs, int[] labels, float[] weights, int tokens, int bytes, int cut) {}

  private ByteTokens() {}

  /**
   * At most {@code rows} texts, one a row from the first; rows without a text are padding. A text
   * of {@code context} bytes or more keeps the first of them, and no end.
   */
  static Rows rows(List<String> texts, int rows, int context) {
    if (texts.size() > rows) {
      throw new IllegalArgumentException(
          "Cannot take texts: texts=%d, expected at most %d".formatted(texts.size(), rows));
    }
    int[] inputs = new int[rows * context];
    int[] labels = new int[rows * context];
    float[] weights = new float[rows * context];
    Arrays.fill(inputs, PAD);
    Arrays.fill(labels, PAD);
    int tokens = 0;
    int bytes = 0;
    int cut = 0;
    for (int row = 0; row < texts.size(); row++) {
      byte[] text = texts.get(row).getBytes(UTF_8);
      int kept = Math.min(text.length, context);
      int first = row * context;
      inputs[first] = BEGIN;
      for (int i = 0; i < kept; i++) {
        int token = Byte.toUnsignedInt(text[i]);
        labels[first + i] = token;
        if (i + 1 < context) {
          inputs[first + i + 1] = token;
        }
      }
      int predicted = kept;
      if (kept < context) {
        labels[first + kept] = END;
        predicted++;
      } else {
        cut++;
      }
      Arrays.fill(weights, first, first + predicted, 1);
      tokens += predicted;
      bytes += kept;
    }
    return new Rows(inputs, labels, weights, tokens, bytes, cut);
  }

  /** The text of tokens; begin, end and padding are left out, bytes that are no UTF-8 replaced. */
  public static String text(int[] tokens) {
    byte[] bytes = new byte[tokens.length];
    int n = 0;
    for (int token : tokens) {
      if (token >= 0 && token < BEGIN) {
        bytes[n++] = (byte) token;
      }
    }
    return new String(bytes, 0, n, UTF_8);
  }
}
