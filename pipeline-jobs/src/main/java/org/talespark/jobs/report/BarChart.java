package org.talespark.jobs.report;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Bars, one for each label.
 *
 * @param title above the chart
 * @param xLabel under the horizontal axis
 * @param yLabel beside the vertical axis
 * @param labels under the bars
 * @param values heights of the bars
 */
public record BarChart(
    String title, String xLabel, String yLabel, List<String> labels, List<Double> values) {

  public BarChart {
    labels = List.copyOf(labels);
    values = List.copyOf(values);
    if (labels.size() != values.size()) {
      throw new IllegalStateException(
          "Cannot draw bars: labels=%d values=%d, expected as many of each"
              .formatted(labels.size(), values.size()));
    }
  }

  /**
   * How often values fall into each of {@code bins} equal stretches; non-finite ones are left out.
   */
  public static BarChart histogram(String title, String xLabel, double[] values, int bins) {
    double[] finite = Arrays.stream(values).filter(Double::isFinite).toArray();
    double low = Arrays.stream(finite).min().orElse(0);
    double high = Arrays.stream(finite).max().orElse(1);
    double width = high > low ? (high - low) / bins : 1;
    long[] counts = new long[bins];
    for (double value : finite) {
      counts[Math.min(bins - 1, (int) ((value - low) / width))]++;
    }
    List<String> labels =
        IntStream.range(0, bins)
            .mapToObj(b -> String.format(Locale.ROOT, "%.4g", low + (b + 0.5) * width))
            .toList();
    return new BarChart(
        title, xLabel, "count", labels, Arrays.stream(counts).mapToObj(c -> (double) c).toList());
  }
}
