package org.talespark.zoo.diffusion;

import java.util.List;

/** Schedules for tests. */
final class Schedules {
  static final NoiseSchedule LINEAR =
      NoiseSchedule.of(new NoiseConfig.Linear(1000, 1e-4, 0.02, false));
  static final NoiseSchedule LINEAR_TO_ZERO =
      NoiseSchedule.of(new NoiseConfig.Linear(1000, 1e-4, 0.02, true));
  static final NoiseSchedule SCALED_LINEAR =
      NoiseSchedule.of(new NoiseConfig.ScaledLinear(1000, 0.00085, 0.012, false));
  static final NoiseSchedule COSINE =
      NoiseSchedule.of(new NoiseConfig.Cosine(1000, 0.008, 0.999, false));
  static final NoiseSchedule COSINE_TO_ZERO =
      NoiseSchedule.of(new NoiseConfig.Cosine(1000, 0.008, 0.999, true));

  private Schedules() {}

  static List<NoiseSchedule> all() {
    return List.of(LINEAR, LINEAR_TO_ZERO, SCALED_LINEAR, COSINE, COSINE_TO_ZERO);
  }
}
