package org.talespark.zoo.diffusion;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code scheduler_config.json} of diffusers' {@code DDPMScheduler}, from which its other
 * schedulers can be made too.
 */
final class DiffusersScheduler {
  static final String CLASS = "DDPMScheduler";

  /** The squared cosine that diffusers knows by name. */
  private static final double OFFSET = 0.008;

  private static final double MAX_BETA = 0.999;

  private DiffusersScheduler() {}

  /**
   * The keys.
   *
   * @param clip largest value of a sample, or null for none
   */
  static Map<String, Object> config(NoiseConfig noise, Prediction prediction, Double clip) {
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("num_train_timesteps", noise.steps());
    if (noise instanceof NoiseConfig.Linear linear) {
      line(file, "linear", linear.betaStart(), linear.betaEnd());
    } else if (noise instanceof NoiseConfig.ScaledLinear scaled) {
      line(file, "scaled_linear", scaled.betaStart(), scaled.betaEnd());
    } else if (isSquaredCosine(noise)) {
      file.put("beta_schedule", "squaredcos_cap_v2");
    } else {
      file.put("trained_betas", noise.betas());
    }
    file.put("rescale_betas_zero_snr", noise.zeroTerminalSnr());
    file.put("prediction_type", prediction);
    file.put("variance_type", "fixed_small");
    file.put("clip_sample", clip != null);
    file.put("clip_sample_range", clip == null ? 1.0 : clip);
    file.put("thresholding", false);
    file.put("timestep_spacing", "trailing");
    file.put("steps_offset", 0);
    return file;
  }

  private static boolean isSquaredCosine(NoiseConfig noise) {
    return noise instanceof NoiseConfig.Cosine cosine
        && cosine.offset() == OFFSET
        && cosine.maxBeta() == MAX_BETA;
  }

  private static void line(Map<String, Object> file, String type, double from, double to) {
    file.put("beta_schedule", type);
    file.put("beta_start", from);
    file.put("beta_end", to);
  }
}
