package org.talespark.data.scenes;

import static org.talespark.data.scenes.Brush.INK;
import static org.talespark.data.scenes.Brush.blob;
import static org.talespark.data.scenes.Brush.curve;
import static org.talespark.data.scenes.Brush.oval;
import static org.talespark.data.scenes.Brush.polygon;

import java.awt.Color;

/** The animals, front or side view, each with the one trait that tells it at 20 pixels. */
final class CharacterPainter {

  private static final Color BLUSH = new Color(0xF7A8B8);
  private static final Color BEAK = new Color(0xF6A623);

  private CharacterPainter() {}

  /** Pointed ears, a curled tail. */
  static void cat(Brush b) {
    b.line(curve(68, 90, 98, 92, 88, 62), 11, b.dark());
    b.line(curve(68, 90, 98, 92, 88, 62), 6, b.base());
    b.body(oval(50, 78, 23, 20));
    b.body(polygon(20, 42, 19, 3, 46, 20));
    b.body(polygon(80, 42, 81, 3, 54, 20));
    b.body(oval(50, 39, 33, 27));
    b.fill(polygon(25, 26, 25, 13, 36, 20), BLUSH);
    b.fill(polygon(75, 26, 75, 13, 64, 20), BLUSH);
    b.fill(oval(50, 80, 12, 13), b.light());
    b.fill(oval(50, 50, 14, 10), b.light());
    b.eyes(36, 64, 37, 5.2);
    b.fill(polygon(45, 45, 55, 45, 50, 51), INK);
  }

  /** Hanging ears, a big dark nose. */
  static void dog(Brush b) {
    b.line(curve(70, 84, 90, 84, 90, 64), 9, b.dark());
    b.body(oval(50, 77, 25, 21));
    b.fill(oval(50, 82, 13, 14), b.light());
    b.body(oval(50, 36, 30, 29));
    b.part(blob(27, 10, 4, 16, 10, 52, 14, 66, 26, 54, 34, 34, 27, 10), b.dark());
    b.part(blob(73, 10, 96, 16, 90, 52, 86, 66, 74, 54, 66, 34, 73, 10), b.dark());
    b.fill(oval(50, 49, 17, 13), b.light());
    b.eyes(38, 62, 32, 5.2);
    b.fill(oval(50, 44, 8, 6), INK);
    b.line(curve(42, 54, 50, 61, 58, 54), 3, INK);
  }

  /** Long upright ears. */
  static void rabbit(Brush b) {
    b.body(oval(50, 80, 28, 18));
    b.fill(oval(50, 83, 15, 12), b.light());
    b.body(oval(34, 22, 11, 22));
    b.body(oval(66, 22, 11, 22));
    b.fill(oval(34, 24, 5, 15), BLUSH);
    b.fill(oval(66, 24, 5, 15), BLUSH);
    b.body(oval(50, 53, 29, 22));
    b.fill(oval(50, 62, 13, 9), b.light());
    b.eyes(38, 62, 50, 5.2);
    b.fill(oval(50, 58, 5, 4), BLUSH.darker());
    b.body(oval(30, 95, 11, 5));
    b.body(oval(70, 95, 11, 5));
  }

  /** Round ears, a broad body. */
  static void bear(Brush b) {
    b.body(oval(19, 74, 12, 15));
    b.body(oval(81, 74, 12, 15));
    b.body(oval(50, 76, 33, 23));
    b.fill(oval(50, 79, 20, 16), b.light());
    b.body(oval(23, 15, 13, 13));
    b.body(oval(77, 15, 13, 13));
    b.fill(oval(23, 15, 6, 6), b.light());
    b.fill(oval(77, 15, 6, 6), b.light());
    b.body(oval(50, 35, 34, 28));
    b.fill(oval(50, 46, 16, 13), b.light());
    b.eyes(36, 64, 31, 5);
    b.fill(oval(50, 41, 7.5, 5.5), INK);
    b.line(curve(43, 51, 50, 57, 57, 51), 3, INK);
  }

  /** Huge round ears, a thin tail. */
  static void mouse(Brush b) {
    b.line(curve(64, 92, 92, 98, 94, 72), 4.5, BLUSH.darker());
    b.body(oval(50, 80, 22, 17));
    b.fill(oval(50, 83, 12, 12), b.light());
    b.body(oval(20, 25, 20, 20));
    b.body(oval(80, 25, 20, 20));
    b.fill(oval(20, 26, 12, 12), BLUSH);
    b.fill(oval(80, 26, 12, 12), BLUSH);
    b.body(blob(24, 36, 50, 14, 76, 36, 76, 58, 50, 72, 24, 58, 24, 36));
    b.eyes(39, 61, 43, 5);
    b.fill(oval(50, 62, 6, 5), BLUSH.darker());
  }

  /** Eyes on top of a wide smile. */
  static void frog(Brush b) {
    b.body(oval(20, 82, 18, 12));
    b.body(oval(80, 82, 18, 12));
    b.body(oval(50, 74, 30, 21));
    b.body(oval(27, 24, 16, 16));
    b.body(oval(73, 24, 16, 16));
    b.body(oval(50, 49, 42, 26));
    b.fill(oval(50, 80, 18, 13), b.light());
    b.fill(oval(27, 22, 11, 11), Color.WHITE);
    b.fill(oval(73, 22, 11, 11), Color.WHITE);
    b.fill(oval(28, 23, 6, 6), INK);
    b.fill(oval(72, 23, 6, 6), INK);
    b.line(curve(22, 52, 50, 72, 78, 52), 4, b.dark());
  }

  /** Two enormous eyes and ear tufts. */
  static void owl(Brush b) {
    b.body(polygon(20, 34, 16, 3, 44, 18));
    b.body(polygon(80, 34, 84, 3, 56, 18));
    b.body(blob(14, 40, 14, 8, 50, 10, 86, 8, 86, 40, 92, 96, 50, 97, 8, 96, 14, 40));
    b.fill(oval(50, 76, 22, 17), b.light());
    b.part(blob(14, 46, 4, 76, 22, 86, 28, 64, 14, 46), b.dark());
    b.part(blob(86, 46, 96, 76, 78, 86, 72, 64, 86, 46), b.dark());
    b.part(oval(33, 36, 16, 16), Color.WHITE);
    b.part(oval(67, 36, 16, 16), Color.WHITE);
    b.fill(oval(35, 37, 8, 8), INK);
    b.fill(oval(65, 37, 8, 8), INK);
    b.fill(polygon(43, 46, 57, 46, 50, 60), BEAK);
    b.fill(oval(38, 96, 8, 4), BEAK);
    b.fill(oval(62, 96, 8, 4), BEAK);
  }

  /** A domed shell over short legs. */
  static void turtle(Brush b) {
    Color skin = new Color(0xB7C77A);
    b.part(oval(24, 85, 11, 11), skin);
    b.part(oval(60, 85, 11, 11), skin);
    b.part(oval(85, 56, 14, 14), skin);
    b.part(polygon(2, 84, 16, 72, 18, 84), skin);
    b.body(blob(6, 80, 4, 20, 42, 18, 80, 20, 78, 80, 42, 88, 6, 80));
    b.fill(oval(42, 40, 13, 11), b.light());
    b.fill(oval(21, 62, 9, 10), b.light());
    b.fill(oval(63, 62, 9, 10), b.light());
    b.fill(oval(42, 67, 9, 9), b.light());
    b.eyes(89, 89, 52, 4.5);
    b.line(curve(84, 63, 90, 66, 94, 61), 2.6, INK);
  }

  /** Side view, in flight, beak to the right. */
  static void bird(Brush b) {
    b.part(polygon(2, 44, 28, 60, 6, 82), b.dark());
    b.body(blob(12, 62, 20, 96, 56, 90, 86, 84, 84, 48, 50, 34, 12, 62));
    b.body(oval(68, 38, 22, 21));
    b.part(polygon(86, 30, 100, 40, 86, 48), BEAK);
    b.fill(oval(58, 74, 17, 11), b.light());
    b.part(blob(26, 56, 8, 10, 42, 16, 60, 34, 54, 66, 36, 72, 26, 56), b.dark());
    b.eyes(74, 74, 34, 5.4);
  }

  /** Four wings seen from above. */
  static void butterfly(Brush b) {
    b.body(oval(25, 32, 24, 26));
    b.body(oval(75, 32, 24, 26));
    b.body(oval(30, 74, 19, 20));
    b.body(oval(70, 74, 19, 20));
    b.fill(oval(24, 31, 12, 13), b.light());
    b.fill(oval(76, 31, 12, 13), b.light());
    b.fill(oval(30, 75, 8, 9), b.light());
    b.fill(oval(70, 75, 8, 9), b.light());
    b.line(curve(50, 24, 44, 8, 36, 5), 3.4, INK);
    b.line(curve(50, 24, 56, 8, 64, 5), 3.4, INK);
    b.fill(oval(50, 54, 7, 33), INK);
  }

  /** Side view, tail to the left. */
  static void fish(Brush b) {
    b.part(polygon(2, 22, 34, 50, 2, 80), b.dark());
    b.part(blob(38, 30, 56, 2, 74, 26), b.dark());
    b.part(blob(46, 74, 52, 96, 66, 90, 66, 82, 66, 74), b.dark());
    b.body(oval(60, 51, 38, 29));
    b.fill(blob(44, 26, 58, 50, 44, 77, 54, 82, 58, 78, 70, 50, 58, 24, 50, 22, 44, 26), b.light());
    b.eyes(79, 79, 43, 6.4);
    b.line(curve(82, 62, 88, 64, 92, 59), 3, INK);
  }
}
