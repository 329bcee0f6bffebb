package org.talespark.jobs.train;

import org.talespark.jobs.config.Section;

/**
 * Rounds of local steps (DiLoCo, arXiv:2311.08105): the outer optimizer is gradient descent with
 * Nesterov momentum on the mean of the workers' deltas. Left out, a setting has the paper's value.
 *
 * @param innerSteps steps of a round, H
 * @param outerLearningRate 1 with momentum 0 is plain averaging
 * @param outerMomentum 0 to below 1
 * @param wire how deltas travel
 */
public record LocalSgdConfig(
    Integer innerSteps, Double outerLearningRate, Double outerMomentum, DeltaWire wire) {
  private static final Section SECTION = new Section("train", "local_sgd");
  private static final int PAPER_STEPS = 50;
  private static final double PAPER_RATE = 0.7;
  private static final double PAPER_MOMENTUM = 0.9;

  /** Checks every setting. */
  public LocalSgdConfig {
    innerSteps = innerSteps == null ? PAPER_STEPS : innerSteps;
    outerLearningRate = outerLearningRate == null ? PAPER_RATE : outerLearningRate;
    outerMomentum = outerMomentum == null ? PAPER_MOMENTUM : outerMomentum;
    wire = wire == null ? DeltaWire.HALF : wire;
    SECTION.check(innerSteps >= 1, "inner_steps", innerSteps, "at least 1");
    SECTION.check(outerLearningRate > 0, "outer_learning_rate", outerLearningRate, "more than 0");
    SECTION.check(
        outerMomentum >= 0 && outerMomentum < 1, "outer_momentum", outerMomentum, "0 to below 1");
  }

  /** The paper's settings. */
  static LocalSgdConfig defaults() {
    return new LocalSgdConfig(null, null, null, null);
  }
}
