package org.talespark.zoo.diffusion;

import java.util.LinkedHashMap;
import java.util.Map;

/** Held-out losses of a diffusion model, from sums that can be added over batches and workers. */
public final class DiffusionMetrics {
  /** Mean over the evaluated timesteps of the squared error, weighted as in training. */
  public static final String LOSS = "denoising_loss";

  /** With a timestep behind it: mean squared error of what is predicted, unweighted. */
  public static final String AT_TIMESTEP = "mse_at_";

  static final String ERRORS = "squared_errors"; // [evaluated timesteps], means over elements
  static final String WEIGHTED = "weighted_error"; // over timesteps and samples
  static final String SAMPLES = "samples";

  private DiffusionMetrics() {}

  /** The metrics of summed sums. */
  static Map<String, Double> of(Map<String, double[]> sums, int[] timesteps) {
    double samples = sums.get(SAMPLES)[0];
    double[] errors = sums.get(ERRORS);
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put(LOSS, sums.get(WEIGHTED)[0] / samples / timesteps.length);
    for (int k = 0; k < timesteps.length; k++) {
      metrics.put(AT_TIMESTEP + timesteps[k], errors[k] / samples);
    }
    return metrics;
  }
}
