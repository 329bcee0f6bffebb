package org.talespark.zoo.diffusion;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.io.Serializable;

/**
 * How noise becomes a picture, timestep by timestep; in configuration an object with {@code type}
 * one of {@code ddpm}, {@code ddim}, {@code dpm_solver}.
 *
 * <p>Every sampler here is linear: the next sample is a weighted sum of the present one, of the
 * picture that the network sees in it, of the one that it saw before, and of fresh noise. The
 * weights follow from the schedule alone.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Sampler.Ddpm.class, name = "ddpm"),
  @JsonSubTypes.Type(value = Sampler.Ddim.class, name = "ddim"),
  @JsonSubTypes.Type(value = Sampler.DpmSolver.class, name = "dpm_solver")
})
public sealed interface Sampler extends Serializable {
  /** In place of a timestep: none was visited before. */
  int NONE = -1;

  /**
   * The weights of one step.
   *
   * @param ofSample of x_t
   * @param ofData of the x0 seen in it
   * @param ofEarlierData of the x0 seen in the step before
   * @param ofNoise the deviation of fresh noise
   */
  record Step(double ofSample, double ofData, double ofEarlierData, double ofNoise) {}

  /** Evaluations of the network. */
  int steps();

  /** Which timesteps they are at. */
  Spacing spacing();

  /** The timesteps to visit, falling; from the last of them a step leads to the picture. */
  default int[] timesteps(NoiseSchedule schedule) {
    return spacing().timesteps(schedule, steps());
  }

  /**
   * From timestep t to an earlier one.
   *
   * @param before the timestep visited before t, or {@link #NONE}
   * @param next the one to come, or {@link NoiseSchedule#CLEAN}
   */
  Step step(NoiseSchedule schedule, int before, int t, int next);

  /**
   * Draws from the posterior (Ho 2020, arXiv:2006.11239, algorithm 2), with its own variance, Eq.
   * 7; over fewer timesteps, from the posterior between those that are visited.
   */
  record Ddpm(int steps, Spacing spacing) implements Sampler {
    public Ddpm {
      checkSteps(steps);
    }

    @JsonCreator
    static Ddpm of(@JsonProperty("steps") Integer steps, @JsonProperty("spacing") Spacing spacing) {
      return new Ddpm(
          requireNonNullElse(steps, 1000), requireNonNullElse(spacing, Spacing.TRAILING));
    }

    @Override
    public Step step(NoiseSchedule schedule, int before, int t, int next) {
      NoiseSchedule.Posterior posterior = schedule.qPosterior(t, next);
      return new Step(posterior.ofSample(), posterior.ofData(), 0, Math.sqrt(posterior.variance()));
    }
  }

  /**
   * Denoising diffusion implicit model (Song 2021, arXiv:2010.02502, Eq. 12 and 16): eta 0 draws no
   * noise, eta 1 as much as the posterior has.
   */
  record Ddim(int steps, double eta, Spacing spacing) implements Sampler {
    public Ddim {
      checkSteps(steps);
      if (!(eta >= 0 && eta <= 1)) {
        throw new IllegalArgumentException(
            "Cannot configure sampler: eta=%s, expected 0 to 1".formatted(eta));
      }
    }

    @JsonCreator
    static Ddim of(
        @JsonProperty("steps") Integer steps,
        @JsonProperty("eta") Double eta,
        @JsonProperty("spacing") Spacing spacing) {
      return new Ddim(
          requireNonNullElse(steps, 50),
          requireNonNullElse(eta, 0.0),
          requireNonNullElse(spacing, Spacing.TRAILING));
    }

    @Override
    public Step step(NoiseSchedule schedule, int before, int t, int next) {
      double variance = eta * eta * schedule.qPosterior(t, next).variance();
      // the rest of the next noise points where the present noise does: (x_t - alpha x0) / sigma
      double direction =
          Math.sqrt(Math.max(0, schedule.variance(next) - variance)) / schedule.sigma(t);
      return new Step(
          direction, schedule.alpha(next) - direction * schedule.alpha(t), 0, Math.sqrt(variance));
    }
  }

  /**
   * DPM-Solver++(2M) (Lu 2022, arXiv:2211.01095, algorithm 2): with lambda = log(alpha / sigma), h
   * the step in lambda and r the last step divided by it,
   *
   * <pre>
   *   D = x0 + (x0 - earlier x0) / (2 r)
   *   x_next = sigma_next / sigma x - alpha_next (exp(-h) - 1) D
   * </pre>
   *
   * of second order. The first step, which has none before it, and the last, to where lambda is
   * infinite, take D = x0 and are of first order, as DDIM is.
   */
  record DpmSolver(int steps, Spacing spacing) implements Sampler {
    public DpmSolver {
      checkSteps(steps);
    }

    @JsonCreator
    static DpmSolver of(
        @JsonProperty("steps") Integer steps, @JsonProperty("spacing") Spacing spacing) {
      return new DpmSolver(
          requireNonNullElse(steps, 20), requireNonNullElse(spacing, Spacing.TRAILING));
    }

    @Override
    public Step step(NoiseSchedule schedule, int before, int t, int next) {
      double shrink = schedule.sigma(next) / schedule.sigma(t);
      double gain = schedule.alpha(next) - schedule.alpha(t) * shrink; // -alpha_next (exp(-h) - 1)
      if (before == NONE || next == NoiseSchedule.CLEAN) {
        return new Step(shrink, gain, 0, 0);
      }
      double step = schedule.logSnr(next) - schedule.logSnr(t);
      double last = schedule.logSnr(t) - schedule.logSnr(before); // infinite from pure noise
      double part = step / (2 * last); // 1 / (2 r)
      return new Step(shrink, gain * (1 + part), -gain * part, 0);
    }
  }

  private static void checkSteps(int steps) {
    if (steps < 1) {
      throw new IllegalArgumentException(
          "Cannot configure sampler: steps=%d, expected at least 1".formatted(steps));
    }
  }
}
