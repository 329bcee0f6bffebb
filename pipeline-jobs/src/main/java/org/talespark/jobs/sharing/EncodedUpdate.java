package org.talespark.jobs.sharing;

import java.util.Arrays;

/**
 * An update of n elements of which each is 0, plus the threshold or minus the threshold.
 *
 * <p>Two forms. Sparse: one number for each element that is not 0, its index counted from 1,
 * negative for minus. Bitmap: two bits an element, 16 elements a number, low bits first: 00, 01 for
 * plus, 10 for minus. The bitmap is the smaller one above n / 16.
 */
final class EncodedUpdate {
  /** Elements in one number of a bitmap; also the share above which a bitmap is smaller. */
  static final int ELEMENTS_AN_INT = 16;

  static final int PLUS = 1;
  static final int MINUS = 2;

  private final boolean bitmap;
  private final float threshold;
  private final int length;
  private final int count;
  private final int[] body;

  /**
   * Checks nothing but is never given anything wrong: from the codec, or from a message that was
   * checked.
   *
   * @param length elements of the whole update
   * @param count elements that are not 0
   */
  EncodedUpdate(boolean bitmap, float threshold, int length, int count, int[] body) {
    this.bitmap = bitmap;
    this.threshold = threshold;
    this.length = length;
    this.count = count;
    this.body = body;
  }

  static int bitmapInts(int length) {
    return length / ELEMENTS_AN_INT + (length % ELEMENTS_AN_INT == 0 ? 0 : 1);
  }

  boolean bitmap() {
    return bitmap;
  }

  float threshold() {
    return threshold;
  }

  int length() {
    return length;
  }

  int count() {
    return count;
  }

  /** The form's numbers, not a copy. */
  int[] body() {
    return body;
  }

  /**
   * Adds the update to an array.
   *
   * @param target of as many elements
   */
  void addTo(FloatBlocks target) {
    if (target.length() != length) {
      throw new IllegalArgumentException(
          "Cannot add update: elements=%d, expected %d".formatted(length, target.length()));
    }
    if (bitmap) {
      addBitmap(target);
    } else {
      for (int code : body) {
        target.add(Math.abs(code) - 1, code > 0 ? threshold : -threshold);
      }
    }
  }

  private void addBitmap(FloatBlocks target) {
    float[] block = new float[FloatBlocks.BLOCK];
    for (int offset = 0; offset >= 0 && offset < length; offset += FloatBlocks.BLOCK) {
      int elements = target.blockLength(offset);
      target.read(offset, block, elements);
      for (int i = 0; i < elements; i++) {
        int code = code(offset + i);
        if (code != 0) {
          block[i] += code == PLUS ? threshold : -threshold;
        }
      }
      target.write(offset, block, elements);
    }
  }

  private int code(int index) {
    return body[index / ELEMENTS_AN_INT] >>> (2 * (index % ELEMENTS_AN_INT)) & 3;
  }

  /** Why the numbers are not of this form, or null when they are. */
  String fault() {
    if (!(threshold > 0 && threshold < Float.POSITIVE_INFINITY)) {
      return "threshold=" + threshold + ", expected a positive number";
    }
    if (!bitmap) {
      boolean good =
          body.length == count
              && Arrays.stream(body)
                  .allMatch(code -> code != 0 && code <= length && code >= -length);
      return good ? null : "indexes=" + body.length + ", expected " + count + " of 1 to " + length;
    }
    if (body.length != bitmapInts(length)) {
      return "bitmap=" + body.length + ", expected " + bitmapInts(length) + " numbers";
    }
    int found = 0;
    for (int word : body) {
      if ((word & (word >>> 1) & 0x55555555) != 0) {
        return "bitmap with both signs, expected one";
      }
      found += Integer.bitCount(word);
    }
    int last = length % ELEMENTS_AN_INT;
    boolean clean = last == 0 || body[body.length - 1] >>> (2 * last) == 0;
    return clean && found == count ? null : "bitmap of " + found + ", expected " + count;
  }
}
