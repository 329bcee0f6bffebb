package org.talespark.data.scenes;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.Shape;
import java.awt.geom.Area;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.geom.RoundRectangle2D;

/** Paints the scenery: soft gradients and a few large smooth shapes, in the unit square. */
final class SettingPainter {

  private static final Color SUN = new Color(0xFFE27A);
  private static final Color CLOUD = new Color(0xF7FBFF);

  private final Graphics2D g;
  private final Dice dice;

  private SettingPainter(Graphics2D g, Dice dice) {
    this.g = g;
    this.dice = dice;
  }

  /** Fills the unit square; the graphics is already scaled to it. */
  static void paint(Graphics2D g, Setting setting, long variant) {
    SettingPainter painter =
        new SettingPainter(g, Dice.of(variant, "scenery", setting.name().hashCode()));
    switch (setting) {
      case MEADOW -> painter.meadow();
      case BEACH -> painter.beach();
      case NIGHT -> painter.night();
      case SNOW -> painter.snow();
      case FOREST -> painter.forest();
      case CITY -> painter.city();
      case ROOM -> painter.room();
      case SEA -> painter.sea();
    }
  }

  private void meadow() {
    wash(0, 0.7, new Color(0x8FD0F5), new Color(0xDDF3FC));
    boolean flip = dice.chance(0.5);
    disc(flip ? 0.84 : 0.16, 0.14, 0.085, SUN);
    cloud(flip ? 0.26 : 0.72, dice.between(0.13, 0.2), 0.1);
    hill(dice.between(0.5, 0.56), dice.between(0.58, 0.64), new Color(0xA5D77C));
    hill(dice.between(0.62, 0.68), dice.between(0.56, 0.62), new Color(0x86C65C));
  }

  private void beach() {
    wash(0, 0.45, new Color(0x9ED9F7), new Color(0xE3F6FD));
    disc(dice.chance(0.5) ? 0.8 : 0.2, 0.16, 0.085, SUN);
    wash(0.42, 0.66, new Color(0x3FA9D6), new Color(0x7FD0E3));
    fill(wave(dice.between(0.58, 0.61), 0.03), new Color(0xF2FAF8));
    fill(wave(dice.between(0.62, 0.64), 0.03), new Color(0xF4DFA6));
  }

  private void night() {
    wash(0, 0.75, new Color(0x1D2757), new Color(0x4A5596));
    double x = dice.chance(0.5) ? 0.8 : 0.2;
    Area moon = new Area(oval(x, 0.17, 0.1, 0.1));
    moon.subtract(new Area(oval(x + 0.055, 0.145, 0.085, 0.085)));
    fill(moon, new Color(0xFFF3C4));
    hill(dice.between(0.56, 0.62), dice.between(0.64, 0.7), new Color(0x3A5378));
    hill(dice.between(0.68, 0.74), dice.between(0.63, 0.68), new Color(0x2F6458));
  }

  private void snow() {
    wash(0, 0.7, new Color(0xB5CFE6), new Color(0xE4EEF7));
    double x = dice.between(0.1, 0.9);
    mountain(x, 0.62, 0.4);
    mountain(x + (x < 0.5 ? 0.36 : -0.36), 0.64, 0.3);
    hill(dice.between(0.5, 0.56), dice.between(0.56, 0.62), new Color(0xD3E2EF));
    hill(dice.between(0.6, 0.66), dice.between(0.56, 0.62), new Color(0xF6FAFD));
  }

  private void forest() {
    wash(0, 0.75, new Color(0xCFE8B5), new Color(0xEAF5D3));
    Color far = new Color(0xA9BF8D);
    double shift = dice.between(0, 0.12);
    for (int i = 0; i < 5; i++) {
      double x = 0.02 + shift + i * 0.22;
      fill(new Rectangle2D.Double(x, 0.1, 0.055, 0.62), far);
    }
    Color crown = new Color(0x6FA35A);
    for (int i = 0; i < 6; i++) {
      fill(oval(shift - 0.06 + i * 0.22, 0.02, 0.16, 0.15), crown);
    }
    hill(dice.between(0.66, 0.7), dice.between(0.64, 0.69), new Color(0x8DB865));
    hill(dice.between(0.78, 0.84), dice.between(0.76, 0.82), new Color(0x7BA956));
  }

  private void city() {
    wash(0, 0.8, new Color(0xF9D9B8), new Color(0xFDF0DC));
    Color[] walls = {
      new Color(0xC9B4C9), new Color(0xA9BBD1), new Color(0xD8B8A8), new Color(0xB6C7B4)
    };
    int first = dice.below(walls.length);
    double x = -0.04;
    for (int i = 0; x < 1; i++) {
      double width = dice.between(0.2, 0.28);
      double top = dice.between(0.16, 0.42);
      Color wall = walls[(first + i) % walls.length];
      fill(new Rectangle2D.Double(x, top, width, 0.6), wall);
      for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 2; column++) {
          fill(
              new Rectangle2D.Double(
                  x + width * (0.2 + 0.38 * column), top + 0.06 + 0.13 * row, width * 0.22, 0.07),
              Tint.mix(wall, Color.WHITE, 0.5));
        }
      }
      x += width;
    }
    fill(new Rectangle2D.Double(0, 0.7, 1, 0.06), new Color(0xDAD3C8));
    wash(0.76, 1, new Color(0x9A98A2), new Color(0x8B8994));
  }

  private void room() {
    boolean warm = dice.chance(0.5);
    Color wall = warm ? new Color(0xFBE3C0) : new Color(0xCFE6E4);
    wash(0, 0.66, wall, Tint.mix(wall, Color.WHITE, 0.3));
    double x = dice.chance(0.5) ? 0.1 : 0.58;
    fill(new RoundRectangle2D.Double(x, 0.08, 0.32, 0.34, 0.04, 0.04), new Color(0xFDFBF5));
    fill(new Rectangle2D.Double(x + 0.03, 0.11, 0.26, 0.28), new Color(0xA9DCF5));
    fill(new Rectangle2D.Double(x + 0.15, 0.11, 0.02, 0.28), new Color(0xFDFBF5));
    fill(new Rectangle2D.Double(0, 0.63, 1, 0.04), new Color(0xFDF8EE));
    wash(0.66, 1, new Color(0xCB976A), new Color(0xB98257));
    Color rug = warm ? new Color(0x86B8C9) : new Color(0xE0A28F);
    fill(oval(0.5, 0.86, 0.42, 0.1), rug);
    fill(oval(0.5, 0.86, 0.34, 0.07), Tint.mix(rug, Color.WHITE, 0.35));
  }

  private void sea() {
    wash(0, 0.45, new Color(0xB9E3F8), new Color(0xEAF8FE));
    boolean flip = dice.chance(0.5);
    disc(flip ? 0.85 : 0.15, 0.12, 0.075, SUN);
    cloud(flip ? 0.3 : 0.7, dice.between(0.1, 0.16), 0.085);
    fill(wave(0.4, 0.02), new Color(0x74C3E4));
    g.setPaint(new GradientPaint(0, 0.46f, new Color(0x58B2DC), 0, 1f, new Color(0x2F7FBD)));
    g.fill(wave(0.47, 0.02));
    Color weed = new Color(0x3F9A86);
    double x = dice.chance(0.5) ? 0.1 : 0.86;
    g.setStroke(new BasicStroke(0.035f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    g.setColor(weed);
    for (int i = -1; i <= 1; i++) {
      Path2D blade = new Path2D.Double();
      blade.moveTo(x + i * 0.05, 1.02);
      blade.quadTo(x + i * 0.05 + 0.05, 0.93, x + i * 0.06, 0.86 + 0.03 * Math.abs(i));
      g.draw(blade);
    }
  }

  /** A vertical gradient over the full width. */
  private void wash(double top, double bottom, Color from, Color to) {
    g.setPaint(new GradientPaint(0, (float) top, from, 0, (float) bottom, to));
    g.fill(new Rectangle2D.Double(0, top, 1, bottom - top));
  }

  private void fill(Shape shape, Color color) {
    g.setColor(color);
    g.fill(shape);
  }

  private void disc(double x, double y, double radius, Color color) {
    fill(oval(x, y, radius, radius), color);
  }

  private void cloud(double x, double y, double radius) {
    disc(x, y, radius * 0.8, CLOUD);
    disc(x - radius, y + radius * 0.3, radius * 0.55, CLOUD);
    disc(x + radius, y + radius * 0.3, radius * 0.6, CLOUD);
    fill(
        new RoundRectangle2D.Double(
            x - radius * 1.5, y + radius * 0.1, radius * 3.1, radius * 0.75, radius, radius),
        CLOUD);
  }

  /** Everything below a soft slope from the left edge to the right edge. */
  private void hill(double left, double right, Color color) {
    Path2D path = new Path2D.Double();
    path.moveTo(0, left);
    double middle = Math.min(left, right) - 0.05;
    path.curveTo(0.33, middle, 0.66, middle + 0.08, 1, right);
    path.lineTo(1, 1);
    path.lineTo(0, 1);
    path.closePath();
    fill(path, color);
  }

  /** Everything below a wavy line. */
  private static Shape wave(double y, double depth) {
    Path2D path = new Path2D.Double();
    path.moveTo(0, y);
    for (int i = 0; i < 4; i++) {
      double bend = i % 2 == 0 ? depth : -depth;
      path.quadTo(0.25 * i + 0.125, y + bend, 0.25 * (i + 1), y);
    }
    path.lineTo(1, 1);
    path.lineTo(0, 1);
    path.closePath();
    return path;
  }

  private void mountain(double x, double foot, double height) {
    Path2D path = new Path2D.Double();
    path.moveTo(x, foot - height);
    path.lineTo(x + height * 0.9, foot);
    path.lineTo(x - height * 0.9, foot);
    path.closePath();
    fill(path, new Color(0x9DB6CF));
    Path2D cap = new Path2D.Double();
    cap.moveTo(x, foot - height);
    cap.lineTo(x + height * 0.3, foot - height * 0.667);
    cap.lineTo(x - height * 0.3, foot - height * 0.667);
    cap.closePath();
    fill(cap, new Color(0xEEF4FA));
  }

  private static Shape oval(double x, double y, double rx, double ry) {
    return new Ellipse2D.Double(x - rx, y - ry, 2 * rx, 2 * ry);
  }
}
