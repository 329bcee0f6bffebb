package org.talespark.data.scenes;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.EnumMap;
import java.util.Map;

/** The tight bounds of each kind's drawing, measured once from the painted pixels. */
final class Silhouettes {

  private static final int SCALE = 4;
  private static final int MARGIN = 10;
  private static final Map<Kind, Box> BOUNDS = measureAll();

  private Silhouettes() {}

  /** The painted part of the 100 by 100 unit square (outlines may reach beyond it). */
  static Box of(Kind kind) {
    return BOUNDS.get(kind);
  }

  private static Map<Kind, Box> measureAll() {
    Map<Kind, Box> bounds = new EnumMap<>(Kind.class);
    for (Kind kind : Kind.values()) {
      bounds.put(kind, measure(kind));
    }
    return bounds;
  }

  private static Box measure(Kind kind) {
    int side = (100 + 2 * MARGIN) * SCALE;
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_INT_ARGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.scale(SCALE, SCALE);
    g.translate(MARGIN, MARGIN);
    kind.paint(new Brush(g, Hue.RED));
    g.dispose();
    int left = side;
    int top = side;
    int right = 0;
    int bottom = 0;
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        if ((image.getRGB(x, y) >>> 24) > 127) {
          left = Math.min(left, x);
          right = Math.max(right, x + 1);
          top = Math.min(top, y);
          bottom = Math.max(bottom, y + 1);
        }
      }
    }
    return new Box(
        (double) left / SCALE - MARGIN,
        (double) top / SCALE - MARGIN,
        (double) (right - left) / SCALE,
        (double) (bottom - top) / SCALE);
  }
}
