package org.talespark.data.scenes;

import java.awt.Color;

/** Arithmetic on colours. */
final class Tint {

  private Tint() {}

  /** From {@code a} (share 0) to {@code b} (share 1), in sRGB. */
  static Color mix(Color a, Color b, double share) {
    return new Color(
        channel(a.getRed(), b.getRed(), share),
        channel(a.getGreen(), b.getGreen(), share),
        channel(a.getBlue(), b.getBlue(), share));
  }

  private static int channel(int a, int b, double share) {
    return (int) Math.round(a + (b - a) * share);
  }
}
