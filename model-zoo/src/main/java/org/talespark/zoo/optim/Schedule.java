package org.talespark.zoo.optim;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Objects;

/**
 * The learning rate over a run, as a factor of the configured rate; in configuration an object with
 * {@code type} one of {@code constant}, {@code linear}, {@code cosine}.
 *
 * <p>Warm-up counts in steps: step 0 has 1/w of the rate, step w-1 and step w all of it. The
 * decline behind it follows the share of the run that is done, so that runs limited by minutes
 * decline like runs limited by steps; with {@code total_steps} above 0 it follows the steps
 * instead.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Schedule.Constant.class, name = "constant"),
  @JsonSubTypes.Type(value = Schedule.Linear.class, name = "linear"),
  @JsonSubTypes.Type(value = Schedule.WarmupCosine.class, name = "cosine")
})
public sealed interface Schedule {
  /**
   * The factor of one update.
   *
   * @param step updates made before this one
   * @param progress share of the run that is done, 0 to 1: of its steps or of its minutes
   * @return 0 to 1
   */
  double factor(long step, double progress);

  /** The whole rate from the end of the warm-up on. */
  record Constant(@JsonProperty("warmup_steps") long warmupSteps) implements Schedule {
    public Constant {
      Decline.checkWarmup(warmupSteps, 0);
    }

    /** Without warm-up. */
    public Constant() {
      this(0);
    }

    @JsonCreator
    static Constant of(@JsonProperty("warmup_steps") Long warmupSteps) {
      return new Constant(Objects.requireNonNullElse(warmupSteps, 0L));
    }

    @Override
    public double factor(long step, double progress) {
      Decline.checkPosition(step, progress);
      return Decline.warmup(step, warmupSteps);
    }
  }

  /** In a straight line from the whole rate to a fraction of it. */
  record Linear(
      @JsonProperty("warmup_steps") long warmupSteps,
      @JsonProperty("total_steps") long totalSteps,
      @JsonProperty("final_fraction") double finalFraction)
      implements Schedule {
    public Linear {
      Decline.checkWarmup(warmupSteps, totalSteps);
      Checks.share("final_fraction", finalFraction);
    }

    @JsonCreator
    static Linear of(
        @JsonProperty("warmup_steps") Long warmupSteps,
        @JsonProperty("total_steps") Long totalSteps,
        @JsonProperty("final_fraction") Double finalFraction) {
      return new Linear(
          Objects.requireNonNullElse(warmupSteps, 0L),
          Objects.requireNonNullElse(totalSteps, 0L),
          Objects.requireNonNullElse(finalFraction, 0.0));
    }

    @Override
    public double factor(long step, double progress) {
      double done = Decline.done(step, progress, warmupSteps, totalSteps);
      return Decline.warmup(step, warmupSteps) * (1 - done * (1 - finalFraction));
    }
  }

  /** Along half a cosine from the whole rate to a fraction of it (arXiv:1608.03983, Eq. 5). */
  record WarmupCosine(
      @JsonProperty("warmup_steps") long warmupSteps,
      @JsonProperty("total_steps") long totalSteps,
      @JsonProperty("final_fraction") double finalFraction)
      implements Schedule {
    public WarmupCosine {
      Decline.checkWarmup(warmupSteps, totalSteps);
      Checks.share("final_fraction", finalFraction);
    }

    @JsonCreator
    static WarmupCosine of(
        @JsonProperty("warmup_steps") Long warmupSteps,
        @JsonProperty("total_steps") Long totalSteps,
        @JsonProperty("final_fraction") Double finalFraction) {
      return new WarmupCosine(
          Objects.requireNonNullElse(warmupSteps, 0L),
          Objects.requireNonNullElse(totalSteps, 0L),
          Objects.requireNonNullElse(finalFraction, 0.0));
    }

    @Override
    public double factor(long step, double progress) {
      double done = Decline.done(step, progress, warmupSteps, totalSteps);
      double cosine = (1 + StrictMath.cos(Math.PI * done)) / 2;
      return Decline.warmup(step, warmupSteps) * (finalFraction + (1 - finalFraction) * cosine);
    }
  }
}
