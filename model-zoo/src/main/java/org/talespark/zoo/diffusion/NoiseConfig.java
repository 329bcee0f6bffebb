package org.talespark.zoo.diffusion;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Objects;

/**
 * How noise grows over the timesteps 0 to {@code steps} - 1; in configuration an object with {@code
 * type} one of {@code linear}, {@code scaled_linear}, {@code cosine}. Numbers left out have their
 * papers' values.
 *
 * <p>With {@code zero_terminal_snr} nothing of the picture is left at the last timestep
 * (arXiv:2305.08891), which a prediction of the noise cannot use: see {@link Prediction#check}.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = NoiseConfig.Linear.class, name = "linear"),
  @JsonSubTypes.Type(value = NoiseConfig.ScaledLinear.class, name = "scaled_linear"),
  @JsonSubTypes.Type(value = NoiseConfig.Cosine.class, name = "cosine")
})
public sealed interface NoiseConfig {
  /** Timesteps. */
  int steps();

  /** Whether alphas are rescaled until the last one is zero. */
  boolean zeroTerminalSnr();

  /** The variance that each timestep adds, before rescaling. */
  double[] betas();

  /** Betas in a straight line (Ho 2020, arXiv:2006.11239). */
  @JsonPropertyOrder({"steps", "beta_start", "beta_end", "zero_terminal_snr"})
  record Linear(
      int steps,
      @JsonProperty("beta_start") double betaStart,
      @JsonProperty("beta_end") double betaEnd,
      @JsonProperty("zero_terminal_snr") boolean zeroTerminalSnr)
      implements NoiseConfig {
    public Linear {
      checkSteps(steps);
      checkBetas(betaStart, betaEnd);
    }

    @JsonCreator
    static Linear of(
        @JsonProperty("steps") Integer steps,
        @JsonProperty("beta_start") Double betaStart,
        @JsonProperty("beta_end") Double betaEnd,
        @JsonProperty("zero_terminal_snr") Boolean zeroTerminalSnr) {
      return new Linear(
          Objects.requireNonNullElse(steps, 1000),
          Objects.requireNonNullElse(betaStart, 1e-4),
          Objects.requireNonNullElse(betaEnd, 0.02),
          Objects.requireNonNullElse(zeroTerminalSnr, false));
    }

    @Override
    public double[] betas() {
      return line(steps, betaStart, betaEnd);
    }
  }

  /** Square roots of betas in a straight line (Rombach 2022, arXiv:2112.10752). */
  @JsonPropertyOrder({"steps", "beta_start", "beta_end", "zero_terminal_snr"})
  record ScaledLinear(
      int steps,
      @JsonProperty("beta_start") double betaStart,
      @JsonProperty("beta_end") double betaEnd,
      @JsonProperty("zero_terminal_snr") boolean zeroTerminalSnr)
      implements NoiseConfig {
    public ScaledLinear {
      checkSteps(steps);
      checkBetas(betaStart, betaEnd);
    }

    @JsonCreator
    static ScaledLinear of(
        @JsonProperty("steps") Integer steps,
        @JsonProperty("beta_start") Double betaStart,
        @JsonProperty("beta_end") Double betaEnd,
        @JsonProperty("zero_terminal_snr") Boolean zeroTerminalSnr) {
      return new ScaledLinear(
          Objects.requireNonNullElse(steps, 1000),
          Objects.requireNonNullElse(betaStart, 0.00085),
          Objects.requireNonNullElse(betaEnd, 0.012),
          Objects.requireNonNullElse(zeroTerminalSnr, false));
    }

    @Override
    public double[] betas() {
      double[] betas = line(steps, Math.sqrt(betaStart), Math.sqrt(betaEnd));
      for (int t = 0; t < steps; t++) {
        betas[t] *= betas[t];
      }
      return betas;
    }
  }

  /**
   * The share of the picture falls along a squared cosine (Nichol and Dhariwal 2021,
   * arXiv:2102.09672, Eq. 17), no beta above {@code max_beta}.
   */
  @JsonPropertyOrder({"steps", "offset", "max_beta", "zero_terminal_snr"})
  record Cosine(
      int steps,
      double offset,
      @JsonProperty("max_beta") double maxBeta,
      @JsonProperty("zero_terminal_snr") boolean zeroTerminalSnr)
      implements NoiseConfig {
    public Cosine {
      checkSteps(steps);
      check(offset >= 0 && offset < 1, "offset", offset, "0 <= offset < 1");
      check(maxBeta > 0 && maxBeta < 1, "max_beta", maxBeta, "0 < max_beta < 1");
    }

    @JsonCreator
    static Cosine of(
        @JsonProperty("steps") Integer steps,
        @JsonProperty("offset") Double offset,
        @JsonProperty("max_beta") Double maxBeta,
        @JsonProperty("zero_terminal_snr") Boolean zeroTerminalSnr) {
      return new Cosine(
          Objects.requireNonNullElse(steps, 1000),
          Objects.requireNonNullElse(offset, 0.008),
          Objects.requireNonNullElse(maxBeta, 0.999),
          Objects.requireNonNullElse(zeroTerminalSnr, false));
    }

    @Override
    public double[] betas() {
      double[] betas = new double[steps];
      for (int t = 0; t < steps; t++) {
        betas[t] = Math.min(maxBeta, 1 - share(t + 1) / share(t));
      }
      return betas;
    }

    /** cos^2 of the angle after so many steps. */
    private double share(int t) {
      double cosine = StrictMath.cos(((double) t / steps + offset) / (1 + offset) * Math.PI / 2);
      return cosine * cosine;
    }
  }

  private static double[] line(int n, double first, double last) {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = first + (last - first) * i / (n - 1);
    }
    return values;
  }

  private static void checkSteps(int steps) {
    check(steps >= 2, "steps", steps, "at least 2");
  }

  private static void checkBetas(double start, double end) {
    check(start > 0 && start <= end, "beta_start", start, "0 < beta_start <= beta_end=" + end);
    check(end < 1, "beta_end", end, "beta_end < 1");
  }

  private static void check(boolean holds, String key, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot configure noise: %s=%s, expected %s".formatted(key, value, expected));
    }
  }
}
