package org.talespark.jobs.evaluate;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.talespark.jobs.config.Section;
import org.talespark.zoo.diffusion.Sampler;

/**
 * What {@code evaluate} looks at.
 *
 * @param samples of the split, at most; left out, all
 * @param prompts of one thing, and as many of two, that pictures are made of; without texts, twice
 *     as many pictures are made
 * @param shown prompts of each kind whose pictures are in the report
 * @param sampler left out, the checkpoint's own
 * @param guidance left out, the checkpoint's own
 * @param seed of all noise
 * @param latents of a model with a first stage: where the dataset's latents are or will be kept;
 *     left out, those that the run was trained on
 * @param zeroShot classes that a CLIP is to tell apart, by name; left out, none
 */
record EvaluateConfig(
    Long samples,
    int prompts,
    int shown,
    Sampler sampler,
    Double guidance,
    long seed,
    String latents,
    Map<String, ZeroShotTask> zeroShot) {
  private static final Section SECTION = new Section("evaluate", "evaluate");

  EvaluateConfig {
    SECTION.check(samples == null || samples >= 2, "samples", samples, "at least 2");
    SECTION.check(prompts >= 1 && prompts <= 100_000, "prompts", prompts, "1 to 100000");
    SECTION.check(shown >= 0 && shown <= 240, "shown", shown, "0 to 240");
    SECTION.check(
        guidance == null || (guidance >= 0 && Double.isFinite(guidance)),
        "guidance",
        guidance,
        "a number of 0 or more");
    zeroShot = zeroShot == null ? Map.of() : Collections.unmodifiableMap(new TreeMap<>(zeroShot));
    zeroShot.forEach(
        (name, task) ->
            SECTION.check(
                task != null && name.matches("[a-z][a-z0-9_]*"),
                "zero_shot",
                name,
                "names of letters, digits and underscores, each with label and templates"));
  }

  static EvaluateConfig defaults() {
    return new EvaluateConfig(null, 200, 12, null, null, 1, null, Map.of());
  }

  /** Samples to look at, at most. */
  long most() {
    return samples == null ? Long.MAX_VALUE : samples;
  }
}
