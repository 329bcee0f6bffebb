package org.talespark.zoo.diffusion;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Objects;

/**
 * The weight of a timestep's mean squared error; in configuration an object with {@code type} one
 * of {@code none}, {@code min_snr}.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = LossWeighting.None.class, name = "none"),
  @JsonSubTypes.Type(value = LossWeighting.MinSnr.class, name = "min_snr")
})
public sealed interface LossWeighting {
  /** The factor of the squared error of what is predicted, at timestep t. */
  double weight(NoiseSchedule schedule, Prediction prediction, int t);

  /** All errors weigh one. */
  record None() implements LossWeighting {
    @Override
    public double weight(NoiseSchedule schedule, Prediction prediction, int t) {
      return 1;
    }
  }

  /**
   * The squared error of x0 weighs min(SNR, gamma) (Hang 2023, arXiv:2303.09556). Errors of the
   * same network, said of noise, are SNR times those of x0, and of v SNR + 1 times, so theirs weigh
   *
   * <pre>
   *   x0: min(SNR, gamma)    noise: min(SNR, gamma) / SNR    v: min(SNR, gamma) / (SNR + 1)
   * </pre>
   *
   * Where no signal is left the weights of x0 and v are zero: with {@code zero_terminal_snr} the
   * last timestep is then not learned.
   */
  record MinSnr(double gamma) implements LossWeighting {
    public MinSnr {
      if (!(gamma > 0) || gamma == Double.POSITIVE_INFINITY) {
        throw new IllegalArgumentException(
            "Cannot configure loss weighting: gamma=%s, expected a positive number"
                .formatted(gamma));
      }
    }

    @JsonCreator
    static MinSnr of(@JsonProperty("gamma") Double gamma) {
      return new MinSnr(Objects.requireNonNullElse(gamma, 5.0));
    }

    @Override
    public double weight(NoiseSchedule schedule, Prediction prediction, int t) {
      double snr = schedule.snr(t);
      return switch (prediction) {
        case EPSILON -> Math.min(1, gamma / snr);
        case V_PREDICTION -> Math.min(snr, gamma) / (snr + 1);
        case SAMPLE -> Math.min(snr, gamma);
      };
    }
  }
}
