package org.talespark.jobs.report;

import java.util.ArrayList;
import java.util.List;

/**
 * Curves over one axis.
 *
 * @param title above the chart
 * @param xLabel under the horizontal axis
 * @param yLabel beside the vertical axis
 * @param logarithmic whether the vertical axis is logarithmic; values must then be positive, others
 *     are gaps
 * @param series the curves
 */
public record LineChart(
    String title, String xLabel, String yLabel, boolean logarithmic, List<Series> series) {

  /** More points than this in one curve are thinned; a screen shows no more. */
  static final int MOST_POINTS = 1200;

  /** One point of a curve. */
  public record Point(double x, double y) {}

  /** One named curve, its points in the order of x. */
  public record Series(String name, List<Point> points) {
    public Series {
      points = List.copyOf(points);
    }
  }

  public LineChart {
    series = List.copyOf(series);
  }

  /** A chart with a linear vertical axis. */
  public static LineChart of(String title, String xLabel, String yLabel, Series... series) {
    return new LineChart(title, xLabel, yLabel, false, List.of(series));
  }

  /** The same chart with a logarithmic vertical axis. */
  public LineChart withLogAxis() {
    return new LineChart(title, xLabel, yLabel, true, series);
  }

  /**
   * At most {@link #MOST_POINTS} points that keep every peak: of each stretch the lowest and the
   * highest, in their order.
   */
  static List<Point> thinned(List<Point> points) {
    if (points.size() <= MOST_POINTS) {
      return points;
    }
    int stretches = MOST_POINTS / 2;
    List<Point> kept = new ArrayList<>(MOST_POINTS);
    for (int s = 0; s < stretches; s++) {
      int from = (int) ((long) s * points.size() / stretches);
      int to = (int) ((long) (s + 1) * points.size() / stretches);
      int low = from;
      int high = from;
      for (int i = from; i < to; i++) {
        low = points.get(i).y() < points.get(low).y() ? i : low;
        high = points.get(i).y() > points.get(high).y() ? i : high;
      }
      kept.add(points.get(Math.min(low, high)));
      if (low != high) {
        kept.add(points.get(Math.max(low, high)));
      }
    }
    return kept;
  }
}
