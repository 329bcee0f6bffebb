package org.talespark.data.scenes;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.RoundRectangle2D;

/** Paints bold shapes of one hue, outlined in its dark shade, in a space of 100 by 100 units. */
final class Brush {

  static final Color INK = new Color(0x2B2A33);
  private static final BasicStroke OUTLINE =
      new BasicStroke(3.6f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);

  private final Graphics2D graphics;
  private final Hue hue;

  Brush(Graphics2D graphics, Hue hue) {
    this.graphics = graphics;
    this.hue = hue;
  }

  Color base() {
    return hue.colour();
  }

  Color dark() {
    return hue.dark();
  }

  Color light() {
    return hue.light();
  }

  /** Fills with the hue and outlines. */
  void body(Shape shape) {
    part(shape, base());
  }

  /** Fills with another colour and outlines in the hue's dark shade. */
  void part(Shape shape, Color fill) {
    graphics.setColor(fill);
    graphics.fill(shape);
    graphics.setColor(dark());
    graphics.setStroke(OUTLINE);
    graphics.draw(shape);
  }

  void fill(Shape shape, Color fill) {
    graphics.setColor(fill);
    graphics.fill(shape);
  }

  void line(Shape shape, double width, Color color) {
    graphics.setColor(color);
    graphics.setStroke(
        new BasicStroke((float) width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    graphics.draw(shape);
  }

  /** Two round eyes with a highlight, level with one another. */
  void eyes(double left, double right, double y, double radius) {
    for (double x : new double[] {left, right}) {
      fill(oval(x, y, radius * 1.25, radius * 1.25), Color.WHITE);
      fill(oval(x, y, radius, radius), INK);
    }
  }

  static Shape oval(double x, double y, double rx, double ry) {
    return new Ellipse2D.Double(x - rx, y - ry, 2 * rx, 2 * ry);
  }

  static Shape box(double x, double y, double width, double height, double corner) {
    return new RoundRectangle2D.Double(x, y, width, height, corner, corner);
  }

  /** A closed polygon through x, y pairs. */
  static Shape polygon(double... points) {
    Path2D path = new Path2D.Double();
    path.moveTo(points[0], points[1]);
    for (int i = 2; i < points.length; i += 2) {
      path.lineTo(points[i], points[i + 1]);
    }
    path.closePath();
    return path;
  }

  /** An open curve: a start point, then quadratic segments of control and end point. */
  static Path2D curve(double... points) {
    Path2D path = new Path2D.Double();
    path.moveTo(points[0], points[1]);
    for (int i = 2; i < points.length; i += 4) {
      path.quadTo(points[i], points[i + 1], points[i + 2], points[i + 3]);
    }
    return path;
  }

  /** The same, closed. */
  static Shape blob(double... points) {
    Path2D path = curve(points);
    path.closePath();
    return path;
  }
}
