package org.talespark.zoo.optim;

/** How far a schedule is. */
final class Decline {
  private Decline() {}

  static void checkWarmup(long warmupSteps, long totalSteps) {
    Checks.require(warmupSteps >= 0, "warmup_steps", warmupSteps, "0 or more");
    Checks.require(
        totalSteps == 0 || totalSteps > warmupSteps,
        "total_steps",
        totalSteps,
        "more than warmup_steps=%d, or 0 for the run's own length".formatted(warmupSteps));
  }

  static void checkPosition(long step, double progress) {
    if (step < 0 || !(progress >= 0 && progress <= 1)) {
      throw new IllegalArgumentException(
          "Cannot place step: step=%d progress=%s, expected step >= 0 and 0 <= progress <= 1"
              .formatted(step, progress));
    }
  }

  static double warmup(long step, long warmupSteps) {
    return step < warmupSteps ? (step + 1.0) / warmupSteps : 1;
  }

  /**
   * The share of the decline that is done. By progress, the warm-up's share is taken from the steps
   * made so far, as if they went evenly; where they do, this equals counting steps.
   */
  static double done(long step, double progress, long warmupSteps, long totalSteps) {
    checkPosition(step, progress);
    if (step <= warmupSteps && (totalSteps > 0 || warmupSteps > 0)) {
      return 0;
    }
    if (totalSteps > 0) {
      return Math.min(1, (double) (step - warmupSteps) / (totalSteps - warmupSteps));
    }
    double warm = warmupSteps == 0 ? 0 : progress * warmupSteps / step;
    return Math.min(1, (progress - warm) / (1 - warm));
  }
}
