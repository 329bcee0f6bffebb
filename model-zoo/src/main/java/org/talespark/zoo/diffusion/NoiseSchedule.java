package org.talespark.zoo.diffusion;

/**
 * Noise over time (Ho 2020, arXiv:2006.11239), in double. At timestep t a picture x0 has become
 *
 * <pre>
 *   x_t = alpha_t x0 + sigma_t noise
 *   alpha_t^2 = alphaBar_t = (1 - beta_0) ... (1 - beta_t)     sigma_t^2 = 1 - alphaBar_t
 * </pre>
 *
 * Timesteps go from 0, hardly any noise, to {@code steps() - 1}; {@link #CLEAN}, before the first,
 * is the picture itself. Immutable.
 */
public final class NoiseSchedule {
  /** The time without noise: alpha 1, sigma 0. */
  public static final int CLEAN = -1;

  /** No more of the picture's variance than this may be left at the last timestep. */
  private static final double LARGEST_REST = 0.01;

  /**
   * What the picture and x_t say of an earlier x_s: it is normal with mean {@code ofData * x0 +
   * ofSample * x_t} and this variance.
   */
  public record Posterior(double ofData, double ofSample, double variance) {}

  private final double[] betas;
  private final double[] alphaBars; // [t + 1], the first one clean
  private final double[] variances; // [t + 1], 1 - alphaBars without its cancellation

  private NoiseSchedule(double[] betas) {
    this.betas = betas;
    this.alphaBars = new double[betas.length + 1];
    this.variances = new double[betas.length + 1];
    alphaBars[0] = 1;
    for (int t = 0; t < betas.length; t++) {
      alphaBars[t + 1] = alphaBars[t] * (1 - betas[t]);
      variances[t + 1] = variances[t] + alphaBars[t] * betas[t];
    }
  }

  /** The schedule of a configuration; refuses one that leaves too much of the picture. */
  public static NoiseSchedule of(NoiseConfig config) {
    NoiseSchedule schedule = new NoiseSchedule(config.betas());
    if (config.zeroTerminalSnr()) {
      return new NoiseSchedule(schedule.rescaledBetas());
    }
    double rest = schedule.alphaBar(schedule.steps() - 1);
    if (rest > LARGEST_REST) {
      throw new IllegalArgumentException(
          "Cannot configure noise: steps=%d leave %.3f of the picture's variance at the end, expected at most %s, since sampling begins with noise alone; try more steps, larger betas, or zero_terminal_snr=true"
              .formatted(config.steps(), rest, LARGEST_REST));
    }
    return schedule;
  }

  /** Algorithm 1 of arXiv:2305.08891: alphas shifted to end at zero, scaled to begin as before. */
  private double[] rescaledBetas() {
    double first = alpha(0);
    double last = alpha(steps() - 1);
    double[] rescaled = new double[steps()];
    double before = 1;
    for (int t = 0; t < rescaled.length; t++) {
      double alpha = (alpha(t) - last) * first / (first - last);
      rescaled[t] = t == 0 ? betas[0] : 1 - (alpha / before) * (alpha / before);
      before = alpha;
    }
    return rescaled;
  }

  /** Timesteps, T. */
  public int steps() {
    return betas.length;
  }

  /** The variance that timestep t adds. */
  public double beta(int t) {
    return betas[t];
  }

  /** The share of the picture in the variance of x_t, for t from {@link #CLEAN}. */
  public double alphaBar(int t) {
    return alphaBars[t + 1];
  }

  /** The factor of the picture in x_t. */
  public double alpha(int t) {
    return Math.sqrt(alphaBars[t + 1]);
  }

  /** The factor of the noise in x_t. */
  public double sigma(int t) {
    return Math.sqrt(variances[t + 1]);
  }

  /** sigma_t^2. */
  public double variance(int t) {
    return variances[t + 1];
  }

  /** alpha_t^2 / sigma_t^2; infinite for {@link #CLEAN}. */
  public double snr(int t) {
    return alphaBars[t + 1] / variances[t + 1];
  }

  /** Natural logarithm of the ratio of signal to noise; minus infinity where no signal is left. */
  public double logSnr(int t) {
    return StrictMath.log(snr(t));
  }

  /** Whether nothing of the picture is left at the last timestep. */
  public boolean endsInNoiseAlone() {
    return alphaBars[betas.length] == 0;
  }

  /**
   * q(x_t | x0), Eq. 4: pictures as they are after so much noise.
   *
   * @param pictures [B, n]
   * @param timesteps [B], one a picture
   * @param noise [B, n], standard normal
   * @param out [B, n]
   */
  public void qSample(float[] pictures, int[] timesteps, float[] noise, float[] out) {
    int n = pictures.length / timesteps.length;
    for (int b = 0; b < timesteps.length; b++) {
      int t = timesteps[b];
      new Mix(alpha(t), sigma(t)).of(pictures, noise, out, b * n, n);
    }
  }

  /** q(x_{t-1} | x_t, x0), Eq. 6 and 7. */
  public Posterior qPosterior(int t) {
    return qPosterior(t, t - 1);
  }

  /**
   * The same for any earlier time: Bayes' rule with x_t given x_s, whose factor is alpha_t /
   * alpha_s.
   *
   * @param earlier s, from {@link #CLEAN} to t - 1
   */
  public Posterior qPosterior(int t, int earlier) {
    double added = addedVariance(t, earlier);
    return new Posterior(
        alpha(earlier) * added / variance(t),
        alpha(t) / alpha(earlier) * variance(earlier) / variance(t),
        added * variance(earlier) / variance(t));
  }

  /** 1 - alphaBar_t / alphaBar_s, from whichever difference loses fewer digits. */
  private double addedVariance(int t, int earlier) {
    double difference =
        alphaBar(earlier) < 0.5 ? alphaBar(earlier) - alphaBar(t) : variance(t) - variance(earlier);
    return difference / alphaBar(earlier);
  }
}
