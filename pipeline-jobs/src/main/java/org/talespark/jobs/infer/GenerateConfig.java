package org.talespark.jobs.infer;

import org.talespark.jobs.config.Section;
import org.talespark.zoo.diffusion.Sampler;

/**
 * How pictures are generated.
 *
 * @param sampler left out, the checkpoint's own
 * @param guidance how much more a prompt counts than in training; left out, the checkpoint's own
 * @param seed of all noise
 * @param number pictures of each prompt, or in all where there are no prompts
 * @param batch pictures that are sampled together
 * @param strength share of the timesteps that a given picture loses: 0 leaves it as it is, 1
 *     forgets it; left out, 0.8, and 1 under a mask
 */
record GenerateConfig(
    Sampler sampler, Double guidance, long seed, int number, int batch, Double strength) {
  private static final Section SECTION = new Section("generate", "generate");

  GenerateConfig {
    SECTION.check(
        guidance == null || (guidance >= 0 && Double.isFinite(guidance)),
        "guidance",
        guidance,
        "a number of 0 or more");
    SECTION.check(number >= 1 && number <= 1_000_000, "number", number, "1 to 1000000");
    SECTION.check(batch >= 1 && batch <= 1024, "batch", batch, "1 to 1024");
    SECTION.check(
        strength == null || (strength >= 0 && strength <= 1), "strength", strength, "0 to 1");
  }

  static GenerateConfig defaults() {
    return new GenerateConfig(null, null, 1, 1, Generation.BATCH, null);
  }
}
