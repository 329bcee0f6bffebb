package org.talespark.zoo.diffusion;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.FirstStage;
import org.talespark.zoo.train.LatentSpace;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;

/**
 * Training of a diffusion model on pictures or their latents, with texts or without.
 *
 * @param model of three channels, or of the first stage's; its context has the width of the texts
 * @param weighting of the squared error at each timestep
 * @param timesteps how often each is trained, by default as often as any other
 * @param text where texts come from; null without texts
 * @param firstStage makes the latents; null for a model of pixels
 * @param contextDropout share of the samples that are trained on the empty text, by default a tenth
 * @param evaluationTimesteps how many timesteps held-out pictures are noised to, evenly spaced
 * @param sampler makes the pictures to look at
 * @param guidance of these pictures, by default 3 (see {@link Guidance})
 * @param clip largest size of the values that the network sees in a sample, by default 1 for
 *     pictures and none for latents
 * @param clipNorm largest global norm of the gradients
 * @param emaDecay of the averaged weights, which evaluation and sampling use
 */
public record DiffusionLearnerConfig(
    DenoiserConfig model,
    NoiseConfig noise,
    Prediction prediction,
    LossWeighting weighting,
    TimestepSampling timesteps,
    TextContext text,
    FirstStage firstStage,
    Double contextDropout,
    int evaluationTimesteps,
    Sampler sampler,
    Double guidance,
    Double clip,
    OptimizerConfig optimizer,
    Schedule schedule,
    double clipNorm,
    double emaDecay)
    implements LearnerConfig {
  private static final double CONTEXT_DROPOUT = 0.1;
  private static final double GUIDANCE = 3;

  /** The largest value of a picture. */
  private static final double PIXEL = 1;

  public DiffusionLearnerConfig {
    contextDropout = contextDropout == null ? Double.valueOf(CONTEXT_DROPOUT) : contextDropout;
    timesteps = timesteps == null ? new TimestepSampling.Uniform() : timesteps;
    guidance = guidance == null ? Double.valueOf(GUIDANCE) : guidance;
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
    checkChannels(model, firstStage);
    check(
        (text == null) == (model.contextDimension() == 0),
        "model.context_dimension",
        model.contextDimension(),
        text == null ? "0, since task.text is missing" : "more than 0, since there is task.text");
    if (text instanceof TextContext.Encoder encoder) {
      check(
          model.contextDimension() == encoder.model().hiddenSize(),
          "model.context_dimension",
          model.contextDimension(),
          "text.model.hidden_size=" + encoder.model().hiddenSize());
    }
    check(
        contextDropout >= 0 && contextDropout < 1,
        "context_dropout",
        contextDropout,
        "0 to less than 1");
    check(guidance >= 0, "guidance", guidance, "0 or more");
    check(clip == null || clip > 0, "clip", clip, "more than 0");
  }

  private static void checkChannels(DenoiserConfig model, FirstStage firstStage) {
    if (firstStage == null) {
      check(model.channels() == 3, "model.channels", model.channels(), "3 for pictures");
    } else if (firstStage.space() != null) {
      int channels = firstStage.space().channels();
      check(
          model.channels() == channels,
          "model.channels",
          model.channels(),
          "%d as the latents of first_stage.checkpoint=%s"
              .formatted(channels, firstStage.checkpoint()));
    }
  }

  private static void check(boolean holds, String key, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot configure training: %s=%s, expected %s".formatted(key, value, rule));
    }
  }

  Descent.Settings descent() {
    return new Descent.Settings(optimizer, schedule, clipNorm, emaDecay);
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
  public Optional<FirstStage> firstStageOfPictures() {
    return Optional.ofNullable(firstStage);
  }

  @Override
  public LearnerConfig encoded(LatentSpace space) {
    return with(text, firstStage.encoded(space));
  }

  @Override
  public LearnerConfig located(UnaryOperator<String> absolute) {
    return with(
        text == null ? null : text.located(absolute),
        firstStage == null ? null : firstStage.located(absolute));
  }

  private DiffusionLearnerConfig with(TextContext newText, FirstStage newFirstStage) {
    return new DiffusionLearnerConfig(
        model,
        noise,
        prediction,
        weighting,
        timesteps,
        newText,
        newFirstStage,
        contextDropout,
        evaluationTimesteps,
        sampler,
        guidance,
        clip,
        optimizer,
        schedule,
        clipNorm,
        emaDecay);
  }

  @Override
  public DiffusionFile modelConfig(int size) {
    LatentSpace space = firstStage == null ? null : firstStage.space();
    return new DiffusionFile(
        model,
        noise,
        prediction,
        space == null ? size : space.side(),
        text,
        space,
        sampler,
        guidance,
        clip != null || space != null ? clip : Double.valueOf(PIXEL));
  }
}
