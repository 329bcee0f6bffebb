package org.talespark.zoo.attributes;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A measured value and its 95 % confidence interval.
 *
 * @param low end of the interval
 * @param high end of the interval
 */
public record Estimate(double value, double low, double high) {
  /** Standard deviations from the mean to the ends of an interval that holds 95 %. */
  private static final double DEVIATIONS = 1.959964;

  /**
   * A share of independent cases, with the score interval (Wilson 1927), which holds its level also
   * for few cases and for shares near 0 and 1.
   *
   * @param count at least 1
   */
  public static Estimate ofShare(long hits, long count) {
    if (count < 1 || hits < 0 || hits > count) {
      throw new IllegalArgumentException(
          "Cannot estimate share: hits=%d count=%d, expected 0 <= hits <= count and count >= 1"
              .formatted(hits, count));
    }
    double share = (double) hits / count;
    double z2 = DEVIATIONS * DEVIATIONS;
    double centre = (share + z2 / (2 * count)) / (1 + z2 / count);
    double half =
        DEVIATIONS
            / (1 + z2 / count)
            * Math.sqrt(share * (1 - share) / count + z2 / (4.0 * count * count));
    return new Estimate(share, Math.max(0, centre - half), Math.min(1, centre + half));
  }

  /**
   * Any statistic of samples in groups of about one size, with the interval of the delete-a-group
   * jackknife: its variance is (G - 1) / G times the sum of squared deviations of the values that
   * the statistic has without each of the G groups.
   *
   * @param without the statistic without each group, at least two
   */
  public static Estimate jackknife(double value, double[] without) {
    int groups = without.length;
    if (groups < 2) {
      throw new IllegalArgumentException(
          "Cannot estimate error: groups=%d, expected at least 2".formatted(groups));
    }
    double mean = 0;
    for (double each : without) {
      mean += each / groups;
    }
    double squares = 0;
    for (double each : without) {
      squares += (each - mean) * (each - mean);
    }
    double half = DEVIATIONS * Math.sqrt(squares * (groups - 1) / groups);
    return new Estimate(value, value - half, value + half);
  }

  /**
   * The same of several statistics by name.
   *
   * @param without the statistics without each group, at least two
   */
  public static Map<String, Estimate> jackknife(
      Map<String, Double> values, List<Map<String, Double>> without) {
    Map<String, Estimate> estimates = new LinkedHashMap<>();
    values.forEach(
        (name, value) ->
            estimates.put(
                name,
                jackknife(value, without.stream().mapToDouble(each -> each.get(name)).toArray())));
    return estimates;
  }
}
