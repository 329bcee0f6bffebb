package org.talespark.jobs.train;

import java.util.SplittableRandom;

/**
 * Changes colours as torchvision's {@code ColorJitter} does: brightness, contrast, saturation and
 * hue, each by a random amount, in a random order, on levels from 0 to 1. With a factor f,
 * brightness makes {@code f x}, contrast {@code f x + (1 - f) m} with m the mean grey of the
 * picture, and saturation {@code f x + (1 - f) g} with g the pixel's own grey, 0.2989 R + 0.587 G +
 * 0.114 B; all cut to 0 to 1. Hue turns the colour circle of HSV.
 */
final class ColorJitter {
  private static final float RED = 0.2989f;
  private static final float GREEN = 0.587f;
  private static final float BLUE = 0.114f;

  private enum Change {
    BRIGHTNESS,
    CONTRAST,
    SATURATION,
    HUE
  }

  private final Augment.Color color;

  ColorJitter(Augment.Color color) {
    this.color = color;
  }

  /**
   * Changes a picture in place.
   *
   * @param planes [3, area] in [-1, 1]
   */
  void apply(float[] planes, SplittableRandom random) {
    Change[] order = Change.values();
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      Change swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    float brightness = factor(color.brightness(), random);
    float contrast = factor(color.contrast(), random);
    float saturation = factor(color.saturation(), random);
    float turn = (float) ((2 * random.nextDouble() - 1) * color.hue());
    for (int i = 0; i < planes.length; i++) {
      planes[i] = (planes[i] + 1) / 2;
    }
    for (Change change : order) {
      switch (change) {
        case BRIGHTNESS -> brightness(planes, brightness);
        case CONTRAST -> contrast(planes, contrast);
        case SATURATION -> saturation(planes, saturation);
        case HUE -> hue(planes, turn);
      }
    }
    for (int i = 0; i < planes.length; i++) {
      planes[i] = 2 * planes[i] - 1;
    }
  }

  private static float factor(double strength, SplittableRandom random) {
    double least = Math.max(0, 1 - strength);
    return (float) (least + random.nextDouble() * (1 + strength - least));
  }

  /** Levels [3, area] in [0, 1], as in the following. */
  static void brightness(float[] levels, float factor) {
    if (factor != 1) {
      for (int i = 0; i < levels.length; i++) {
        levels[i] = cut(factor * levels[i]);
      }
    }
  }

  static void contrast(float[] levels, float factor) {
    if (factor == 1) {
      return;
    }
    int area = levels.length / 3;
    double sum = 0;
    for (int i = 0; i < area; i++) {
      sum += grey(levels, area, i);
    }
    float rest = (1 - factor) * (float) (sum / area);
    for (int i = 0; i < levels.length; i++) {
      levels[i] = cut(factor * levels[i] + rest);
    }
  }

  static void saturation(float[] levels, float factor) {
    if (factor == 1) {
      return;
    }
    int area = levels.length / 3;
    for (int i = 0; i < area; i++) {
      float rest = (1 - factor) * grey(levels, area, i);
      for (int at = i; at < levels.length; at += area) {
        levels[at] = cut(factor * levels[at] + rest);
      }
    }
  }

  /**
   * Turns hues.
   *
   * @param turn in turns; 1/3 makes red green
   */
  static void hue(float[] levels, float turn) {
    if (turn == 0) {
      return;
    }
    int area = levels.length / 3;
    for (int i = 0; i < area; i++) {
      float r = levels[i];
      float g = levels[area + i];
      float b = levels[2 * area + i];
      float most = Math.max(r, Math.max(g, b));
      float range = most - Math.min(r, Math.min(g, b));
      if (range > 0) {
        float sixths;
        if (most == r) {
          sixths = (g - b) / range;
        } else if (most == g) {
          sixths = 2 + (b - r) / range;
        } else {
          sixths = 4 + (r - g) / range;
        }
        float turned = sixths + 6 * turn;
        levels[i] = level(5 + turned, most, range);
        levels[area + i] = level(3 + turned, most, range);
        levels[2 * area + i] = level(1 + turned, most, range);
      }
    }
  }

  /** HSV to one of R, G and B: {@code v - v s max(0, min(k, 4 - k, 1))} with k modulo 6. */
  private static float level(float position, float value, float range) {
    float k = position - 6 * (float) Math.floor(position / 6);
    return cut(value - range * Math.max(0, Math.min(k, Math.min(4 - k, 1))));
  }

  private static float grey(float[] levels, int area, int i) {
    return RED * levels[i] + GREEN * levels[area + i] + BLUE * levels[2 * area + i];
  }

  private static float cut(float level) {
    return Math.max(0, Math.min(1, level));
  }
}
