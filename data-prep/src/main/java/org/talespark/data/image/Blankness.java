package org.talespark.data.image;

/** Whether a picture shows anything at all. */
public final class Blankness {

  /**
   * Share of a channel's values that may lie outside the range: dust, a watermark, a thin frame.
   */
  private static final double IGNORED = 0.005;

  /** Levels of 255 between the darkest and the brightest of the remaining values. */
  private static final int RANGE = 8;

  private Blankness() {}

  /**
   * Whether all but one in a hundred values of each channel lie within {@value #RANGE} levels of
   * each other. Scanner noise, compression and a few odd pixels do not make a page a picture, and a
   * faint gradient does.
   */
  public static boolean nearlyBlank(Pixels pixels) {
    byte[] rgb = pixels.rgb();
    int[] counts = new int[3 * 256];
    for (int i = 0; i < rgb.length; i += 3) {
      counts[rgb[i] & 0xFF]++;
      counts[256 + (rgb[i + 1] & 0xFF)]++;
      counts[512 + (rgb[i + 2] & 0xFF)]++;
    }
    int ignored = (int) (IGNORED * rgb.length / 3);
    for (int channel = 0; channel < 3; channel++) {
      if (range(counts, 256 * channel, ignored) > RANGE) {
        return false;
      }
    }
    return true;
  }

  /** Brightest minus darkest level after {@code ignored} values are dropped at either end. */
  private static int range(int[] counts, int from, int ignored) {
    int darkest = 0;
    for (int dropped = counts[from]; dropped <= ignored; dropped += counts[from + darkest]) {
      darkest++;
    }
    int brightest = 255;
    for (int dropped = counts[from + 255];
        dropped <= ignored;
        dropped += counts[from + brightest]) {
      brightest--;
    }
    return brightest - darkest;
  }
}
