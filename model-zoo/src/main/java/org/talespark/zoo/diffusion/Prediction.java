package org.talespark.zoo.diffusion;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What a network predicts of x_t = alpha x0 + sigma noise: the noise, the picture x0, or v = alpha
 * noise - sigma x0 (Salimans and Ho 2022, arXiv:2202.00512). Any of them and x_t give the others:
 *
 * <pre>
 *              x0                            noise                       v
 *   of noise   x_t / alpha - sigma/alpha e   e                           e / alpha - sigma/alpha x_t
 *   of v       alpha x_t - sigma v           sigma x_t + alpha v         v
 *   of x0      x0                            x_t / sigma - alpha/sigma x0  alpha/sigma x_t - x0 / sigma
 * </pre>
 */
public enum Prediction {
  /** The noise. */
  @JsonProperty("epsilon")
  EPSILON {
    @Override
    Mix target(NoiseSchedule schedule, int t) {
      return new Mix(0, 1);
    }

    @Override
    Mix toData(NoiseSchedule schedule, int t) {
      double alpha = schedule.alpha(t);
      if (alpha == 0) {
        check(schedule);
      }
      return new Mix(1 / alpha, -schedule.sigma(t) / alpha);
    }

    @Override
    Mix toNoise(NoiseSchedule schedule, int t) {
      return new Mix(0, 1);
    }

    @Override
    Mix toVelocity(NoiseSchedule schedule, int t) {
      double alpha = schedule.alpha(t);
      return new Mix(-schedule.sigma(t) / alpha, 1 / alpha);
    }
  },

  /** v, which is the picture's negative where there is only noise, and the noise where none is. */
  @JsonProperty("v_prediction")
  V_PREDICTION {
    @Override
    Mix target(NoiseSchedule schedule, int t) {
      return new Mix(-schedule.sigma(t), schedule.alpha(t));
    }

    @Override
    Mix toData(NoiseSchedule schedule, int t) {
      return new Mix(schedule.alpha(t), -schedule.sigma(t));
    }

    @Override
    Mix toNoise(NoiseSchedule schedule, int t) {
      return new Mix(schedule.sigma(t), schedule.alpha(t));
    }

    @Override
    Mix toVelocity(NoiseSchedule schedule, int t) {
      return new Mix(0, 1);
    }
  },

  /** The picture. */
  @JsonProperty("sample")
  SAMPLE {
    @Override
    Mix target(NoiseSchedule schedule, int t) {
      return new Mix(1, 0);
    }

    @Override
    Mix toData(NoiseSchedule schedule, int t) {
      return new Mix(0, 1);
    }

    @Override
    Mix toNoise(NoiseSchedule schedule, int t) {
      double sigma = schedule.sigma(t);
      return new Mix(1 / sigma, -schedule.alpha(t) / sigma);
    }

    @Override
    Mix toVelocity(NoiseSchedule schedule, int t) {
      double sigma = schedule.sigma(t);
      return new Mix(schedule.alpha(t) / sigma, -1 / sigma);
    }
  };

  /** What the network should say, of x0 and noise. */
  abstract Mix target(NoiseSchedule schedule, int t);

  /** x0, of x_t and what the network says. */
  abstract Mix toData(NoiseSchedule schedule, int t);

  /** The noise, of x_t and what the network says. */
  abstract Mix toNoise(NoiseSchedule schedule, int t);

  /** v, of x_t and what the network says. */
  abstract Mix toVelocity(NoiseSchedule schedule, int t);

  /**
   * What the network should say of a batch.
   *
   * @param pictures [B, n]
   * @param timesteps [B]
   * @param noise [B, n]
   * @param out [B, n]
   */
  public final void targets(
      NoiseSchedule schedule, float[] pictures, int[] timesteps, float[] noise, float[] out) {
    int n = pictures.length / timesteps.length;
    for (int b = 0; b < timesteps.length; b++) {
      target(schedule, timesteps[b]).of(pictures, noise, out, b * n, n);
    }
  }

  /** Refuses a schedule at whose end this prediction says nothing of the picture. */
  public final void check(NoiseSchedule schedule) {
    if (this == EPSILON && schedule.endsInNoiseAlone()) {
      throw new IllegalArgumentException(
          "Cannot configure diffusion: prediction=epsilon zero_terminal_snr=true, expected another prediction, since noise alone tells nothing of the picture; try prediction=v_prediction");
    }
  }
}
