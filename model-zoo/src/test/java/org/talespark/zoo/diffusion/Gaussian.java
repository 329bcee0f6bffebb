package org.talespark.zoo.diffusion;

/**
 * Normal data, each element by itself, and the network that nothing can better: E[x0 | x_t] is
 * linear.
 *
 * @param mean of the data
 * @param deviation of the data
 */
record Gaussian(double mean, double deviation) {

  /** E[x0 | x_t]. */
  double data(NoiseSchedule schedule, int t, double sample) {
    double alpha = schedule.alpha(t);
    double square = deviation * deviation;
    double total = alpha * alpha * square + schedule.variance(t);
    return mean + alpha * square / total * (sample - alpha * mean);
  }

  /** The best network with this kind of answer. */
  Denoise best(NoiseSchedule schedule, Prediction prediction) {
    return (samples, t) -> {
      float[] out = new float[samples.length];
      for (int i = 0; i < out.length; i++) {
        out[i] = (float) said(schedule, prediction, t, samples[i], data(schedule, t, samples[i]));
      }
      return out;
    };
  }

  /** x0 in the words of a prediction. */
  static double said(
      NoiseSchedule schedule, Prediction prediction, int t, double sample, double data) {
    double noise = (sample - schedule.alpha(t) * data) / schedule.sigma(t);
    return switch (prediction) {
      case EPSILON -> noise;
      case V_PREDICTION -> schedule.alpha(t) * noise - schedule.sigma(t) * data;
      case SAMPLE -> data;
    };
  }

  /**
   * Where the probability flow ends that begins at this sample of the last timestep: quantiles stay
   * what they are.
   */
  double end(NoiseSchedule schedule, double sample) {
    int last = schedule.steps() - 1;
    double alpha = schedule.alpha(last);
    double spread = Math.sqrt(alpha * alpha * deviation * deviation + schedule.variance(last));
    return mean + deviation * (sample - alpha * mean) / spread;
  }
}
