package org.talespark.zoo.diffusion;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;

/**
 * Training of a diffusion model on pictures, without texts.
 *
 * @param model of three channels and no context
 * @param weighting of the squared error at each timestep
 * @param evaluationTimesteps how many timesteps held-out pictures are noised to, evenly spaced
 * @param sampler makes the pictures to look at
 * @param clipNorm largest global norm of the gradients
 * @param emaDecay of the averaged weights, which evaluation and sampling use
 */
public record DiffusionLearnerConfig(
    DenoiserConfig model,
    NoiseConfig noise,
    Prediction prediction,
    LossWeighting weighting,
    int evaluationTimesteps,
    Sampler sampler,
    OptimizerConfig optimizer,
    Schedule schedule,
    double clipNorm,
    double emaDecay)
    implements LearnerConfig {

  /**
   * What a checkpoint's {@code config.json} says of a diffusion model.
   *
   * @param sampleSize side of the samples it was trained on
   */
  record ModelFile(
      DenoiserConfig model, NoiseConfig noise, Prediction prediction, int sampleSize) {}

  public DiffusionLearnerConfig {
    requireNonNull(model, "task.model");
    requireNonNull(noise, "task.noise");
    requireNonNull(prediction, "task.prediction");
    requireNonNull(weighting, "task.weighting");
    requireNonNull(sampler, "task.sampler");
    requireNonNull(optimizer, "task.optimizer");
    requireNonNull(schedule, "task.schedule");
    NoiseSchedule noiseSchedule = NoiseSchedule.of(noise);
    prediction.check(noiseSchedule);
    sampler.timesteps(noiseSchedule); // refuses more than there are
    if (evaluationTimesteps < 1 || evaluationTimesteps > noise.steps()) {
      throw new IllegalArgumentException(
          "Cannot configure training: evaluation_timesteps=%d, expected 1 to noise.steps=%d"
              .formatted(evaluationTimesteps, noise.steps()));
    }
    if (model.channels() != 3) {
      throw new IllegalArgumentException(
          "Cannot configure training: model.channels=%d, expected 3 for pictures"
              .formatted(model.channels()));
    }
    if (model.contextDimension() != 0) {
      throw new IllegalArgumentException(
          "Cannot configure training: model.context_dimension=%d, expected 0, since no texts are trained on; try task.model.context_dimension=0"
              .formatted(model.contextDimension()));
    }
  }

  @Override
  public Learner create(LearnerContext context) {
    return new DiffusionLearner(this, context);
  }

  @Override
  public Map<String, Double> metrics(Map<String, double[]> sums) {
    return DiffusionMetrics.of(sums, evaluatedTimesteps());
  }

  /** The timesteps that held-out pictures are noised to. */
  int[] evaluatedTimesteps() {
    int[] timesteps = new int[evaluationTimesteps];
    for (int k = 0; k < timesteps.length; k++) {
      timesteps[k] = (int) ((k + 0.5) * noise.steps() / timesteps.length);
    }
    return timesteps;
  }

  @Override
  public String bestMetric() {
    return DiffusionMetrics.LOSS;
  }

  @Override
  public boolean higherIsBetter() {
    return false;
  }

  @Override
  public Object modelConfig(int size) {
    return new ModelFile(model, noise, prediction, size);
  }
}
