package org.talespark.zoo.diffusion;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Objects;
import java.util.SplittableRandom;
import org.talespark.zoo.nn.Normal;

/**
 * How often each timestep is trained; in configuration an object with {@code type} one of {@code
 * uniform}, {@code logit_normal}.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = TimestepSampling.Uniform.class, name = "uniform"),
  @JsonSubTypes.Type(value = TimestepSampling.LogitNormal.class, name = "logit_normal")
})
public sealed interface TimestepSampling {
  /** A timestep from 0 to below {@code steps}. */
  int draw(SplittableRandom random, int steps);

  /** Each as often as any other. */
  record Uniform() implements TimestepSampling {
    @Override
    public int draw(SplittableRandom random, int steps) {
      return (int) (random.nextDouble() * steps);
    }
  }

  /**
   * Those of middling noise most often (Esser 2024, arXiv:2403.03206): with z normal, t is {@code
   * steps} / (1 + exp(-z)).
   *
   * @param mean of z; below 0 for less noise
   * @param deviation of z
   */
  record LogitNormal(double mean, double deviation) implements TimestepSampling {
    public LogitNormal {
      if (!Double.isFinite(mean) || !(deviation > 0) || Double.isInfinite(deviation)) {
        throw new IllegalArgumentException(
            "Cannot configure timesteps: mean=%s deviation=%s, expected a number and one above 0"
                .formatted(mean, deviation));
      }
    }

    @JsonCreator
    static LogitNormal of(
        @JsonProperty("mean") Double mean, @JsonProperty("deviation") Double deviation) {
      return new LogitNormal(
          Objects.requireNonNullElse(mean, 0.0), Objects.requireNonNullElse(deviation, 1.0));
    }

    @Override
    public int draw(SplittableRandom random, int steps) {
      double z = mean + deviation * Normal.next(random);
      return (int) Math.min(steps - 1.0, steps / (1 + StrictMath.exp(-z)));
    }
  }
}
