package org.talespark.jobs.train;

import java.util.Map;

/** Named sums that add up over batches and workers. */
public final class Sums {
  private Sums() {}

  /** Adds each array of {@code more} to the one of the same name, element by element. */
  public static void add(Map<String, double[]> total, Map<String, double[]> more) {
    more.forEach(
        (name, values) -> {
          double[] into = total.computeIfAbsent(name, n -> new double[values.length]);
          for (int i = 0; i < values.length; i++) {
            into[i] += values[i];
          }
        });
  }
}
