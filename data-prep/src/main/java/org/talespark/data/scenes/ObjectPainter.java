package org.talespark.data.scenes;

import static org.talespark.data.scenes.Brush.INK;
import static org.talespark.data.scenes.Brush.blob;
import static org.talespark.data.scenes.Brush.box;
import static org.talespark.data.scenes.Brush.curve;
import static org.talespark.data.scenes.Brush.oval;
import static org.talespark.data.scenes.Brush.polygon;

import java.awt.Color;

/** The things that are not alive, and plants. */
final class ObjectPainter {

  private static final Color WOOD = new Color(0x8A5A33);
  private static final Color CREAM = new Color(0xFFF1D6);
  private static final Color GLASS = new Color(0xCDEBFA);
  private static final Color LEAF = new Color(0x4C9A46);
  private static final Color SUNNY = new Color(0xFFD75A);

  private ObjectPainter() {}

  static void tree(Brush b) {
    b.part(polygon(42, 54, 58, 54, 61, 99, 39, 99), WOOD);
    b.body(oval(26, 46, 22, 20));
    b.body(oval(74, 46, 22, 20));
    b.body(oval(50, 26, 30, 25));
    b.body(oval(50, 57, 22, 15));
    b.fill(oval(50, 44, 32, 20), b.base());
    b.fill(oval(38, 19, 10, 7), b.light());
    b.line(curve(22, 52, 30, 58, 38, 52), 3, b.dark());
    b.line(curve(58, 44, 66, 50, 74, 44), 3, b.dark());
  }

  static void house(Brush b) {
    b.part(box(66, 8, 13, 28, 2), b.light());
    b.body(box(12, 44, 76, 54, 4));
    b.part(polygon(2, 48, 50, 4, 98, 48), b.dark());
    b.part(box(55, 64, 20, 34, 4), WOOD);
    b.part(box(22, 58, 23, 22, 3), GLASS);
    b.fill(oval(70, 82, 2.6, 2.6), SUNNY);
  }

  static void flower(Brush b) {
    b.line(curve(50, 46, 46, 76, 50, 97), 7, LEAF);
    b.fill(blob(50, 90, 16, 92, 14, 66, 42, 66, 50, 90), LEAF);
    b.fill(blob(50, 90, 84, 92, 86, 66, 58, 66, 50, 90), LEAF);
    for (int i = 0; i < 6; i++) {
      double angle = Math.PI * (i / 3.0 + 0.5);
      b.body(oval(50 + 22 * Math.cos(angle), 33 + 21 * Math.sin(angle), 14, 14));
    }
    b.part(oval(50, 33, 14, 14), b.base().equals(Hue.YELLOW.colour()) ? WOOD : SUNNY);
  }

  static void mushroom(Brush b) {
    b.part(blob(36, 54, 40, 76, 30, 97, 50, 101, 70, 97, 60, 76, 64, 54), CREAM);
    b.body(blob(3, 56, 4, 6, 50, 4, 96, 6, 97, 56, 50, 70, 3, 56));
    Color spots = b.base().equals(Hue.WHITE.colour()) ? b.light() : Color.WHITE;
    b.fill(oval(50, 24, 11, 10), spots);
    b.fill(oval(24, 44, 9, 8), spots);
    b.fill(oval(76, 44, 9, 8), spots);
    b.fill(oval(50, 51, 7, 6), spots);
  }

  static void ball(Brush b) {
    b.body(oval(50, 50, 47, 47));
    b.fill(blob(6, 44, 50, 22, 94, 44, 97, 52, 93, 62, 50, 42, 7, 62, 3, 52, 6, 44), b.light());
    b.fill(blob(22, 84, 50, 62, 78, 84, 50, 104, 22, 84), b.light());
    b.fill(oval(36, 20, 9, 6), b.light());
    b.line(oval(50, 50, 47, 47), 3.6, b.dark());
  }

  static void car(Brush b) {
    b.body(blob(18, 46, 26, 16, 40, 14, 64, 12, 72, 16, 78, 22, 84, 46));
    b.fill(polygon(29, 43, 35, 23, 48, 23, 48, 43), GLASS);
    b.fill(polygon(54, 43, 54, 23, 67, 23, 74, 43), GLASS);
    b.body(box(2, 42, 96, 34, 20));
    b.fill(oval(93, 55, 5, 5), SUNNY);
    b.fill(box(8, 60, 84, 6, 4), b.light());
    for (double x : new double[] {26, 74}) {
      b.fill(oval(x, 76, 16, 16), INK);
      b.fill(oval(x, 76, 7, 7), Hue.GRAY.light());
    }
  }

  static void boat(Brush b) {
    b.line(curve(48, 8, 48, 40, 48, 70), 5, WOOD);
    b.part(blob(54, 8, 96, 36, 90, 60, 70, 62, 54, 60), CREAM);
    b.part(blob(42, 18, 12, 44, 10, 60, 30, 62, 42, 60), CREAM);
    b.body(blob(2, 68, 50, 72, 98, 68, 90, 96, 74, 96, 50, 98, 26, 96, 10, 96, 2, 68));
    b.fill(box(14, 76, 72, 6, 4), b.light());
  }

  static void star(Brush b) {
    double[] points = new double[20];
    for (int i = 0; i < 10; i++) {
      double angle = Math.PI * (i / 5.0 - 0.5);
      double radius = i % 2 == 0 ? 50 : 24;
      points[2 * i] = 50 + radius * Math.cos(angle);
      points[2 * i + 1] = 53 + radius * Math.sin(angle);
    }
    b.body(polygon(points));
    b.eyes(40, 60, 50, 4.4);
    b.line(curve(42, 60, 50, 68, 58, 60), 3, INK);
  }

  static void balloon(Brush b) {
    b.line(curve(50, 74, 42, 84, 50, 92, 54, 96, 50, 100), 3.4, INK);
    b.body(polygon(43, 79, 57, 79, 50, 69));
    b.body(blob(50, 74, 14, 68, 13, 36, 14, 3, 50, 3, 86, 3, 87, 36, 86, 68, 50, 74));
    b.fill(oval(34, 27, 8, 12), b.light());
  }

  static void kite(Brush b) {
    b.line(curve(50, 76, 66, 82, 52, 90, 44, 95, 56, 99), 3.4, INK);
    b.fill(polygon(66, 78, 78, 86, 64, 90), b.dark());
    b.fill(polygon(46, 84, 34, 82, 38, 96), b.dark());
    b.body(polygon(50, 2, 88, 34, 50, 78, 12, 34));
    b.fill(polygon(50, 6, 83, 34, 50, 34), b.light());
    b.fill(polygon(50, 34, 50, 72, 17, 34), b.light());
    b.line(polygon(50, 2, 88, 34, 50, 78, 12, 34), 3.6, b.dark());
    b.line(curve(50, 2, 50, 40, 50, 78), 2.6, b.dark());
    b.line(curve(12, 34, 50, 34, 88, 34), 2.6, b.dark());
  }
}
