package org.talespark.data.scenes;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Scene to pixels: scenery, then the things from the back to the front. */
final class ScenePainter {

  private static final Color SHADOW = new Color(20, 30, 40, 46);

  private ScenePainter() {}

  /** The picture, {@code size} pixels a side, opaque RGB. */
  static BufferedImage paint(Scene scene, int size) {
    BufferedImage image = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    try {
      g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
      g.setRenderingHint(RenderingHints.KEY_RENDERING, RenderingHints.VALUE_RENDER_QUALITY);
      g.scale(size, size);
      SettingPainter.paint(g, scene.setting(), scene.variant());
      List<Thing> backToFront = new ArrayList<>(scene.things());
      backToFront.sort(Comparator.comparingDouble(t -> t.box().bottom()));
      for (Thing thing : backToFront) {
        if (thing.kind().habitat() == Kind.Habitat.GROUND && scene.setting() != Setting.SEA) {
          shadow(g, thing.box());
        }
      }
      for (Thing thing : backToFront) {
        paint(g, thing);
      }
    } finally {
      g.dispose();
    }
    return image;
  }

  private static void shadow(Graphics2D g, Box box) {
    g.setColor(SHADOW);
    double height = box.width() * 0.2;
    g.fill(
        new Ellipse2D.Double(
            box.left() + box.width() * 0.04,
            box.bottom() - height * 0.62,
            box.width() * 0.92,
            height));
  }

  private static void paint(Graphics2D g, Thing thing) {
    AffineTransform before = g.getTransform();
    Box shape = Silhouettes.of(thing.kind());
    Box box = thing.box();
    g.translate(box.left(), box.top());
    g.scale(box.width() / shape.width(), box.height() / shape.height());
    g.translate(-shape.left(), -shape.top());
    thing.kind().paint(new Brush(g, thing.hue()));
    g.setTransform(before);
  }
}
