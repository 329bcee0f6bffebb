package org.talespark.zoo.diffusion;

/** Which timesteps a sampler visits. */
public enum Spacing {
  /** Evenly from the last one down (arXiv:2305.08891, table 2). */
  TRAILING {
    @Override
    int[] of(NoiseSchedule schedule, int count) {
      int[] timesteps = new int[count];
      for (int i = 0; i < count; i++) {
        double left = (double) schedule.steps() * (count - i) / count;
        timesteps[i] = (int) Math.round(left) - 1;
      }
      return timesteps;
    }
  },

  /**
   * Evenly in the logarithm of signal to noise, from the last one to the first (arXiv:2206.00927).
   * Nearly all of a cosine's range there is pure noise, so what lies below {@value #LOWEST} counts
   * as that.
   */
  LOG_SNR {
    @Override
    int[] of(NoiseSchedule schedule, int count) {
      int last = schedule.steps() - 1;
      double from = Math.max(LOWEST, schedule.logSnr(last));
      double to = schedule.logSnr(0);
      int[] timesteps = new int[count];
      timesteps[0] = last;
      for (int i = 1; i < count; i++) {
        int nearest = nearest(schedule, from + (to - from) * i / (count - 1));
        // below the one before, with room for those behind
        timesteps[i] = Math.max(count - 1 - i, Math.min(nearest, timesteps[i - 1] - 1));
      }
      return timesteps;
    }
  };

  private static final double LOWEST = -10.2;

  /** So many timesteps, strictly falling from the last one. */
  abstract int[] of(NoiseSchedule schedule, int count);

  /** The timesteps of a number that a sampler was configured with. */
  final int[] timesteps(NoiseSchedule schedule, int count) {
    if (count > schedule.steps()) {
      throw new IllegalArgumentException(
          "Cannot sample: sampler.steps=%d, expected at most noise.steps=%d"
              .formatted(count, schedule.steps()));
    }
    return of(schedule, count);
  }

  /** The timestep whose logarithm of signal to noise, which falls with time, is nearest. */
  private static int nearest(NoiseSchedule schedule, double logSnr) {
    int low = 0;
    int high = schedule.steps() - 1;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (schedule.logSnr(middle) > logSnr) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return schedule.logSnr(low) - logSnr < logSnr - schedule.logSnr(high) ? low : high;
  }
}
