package org.talespark.zoo.diffusion;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.talespark.zoo.train.LatentSpace;

/**
 * What a checkpoint's {@code config.json} says of a diffusion model.
 *
 * @param sampleSize side of the samples it was trained on, pixels or latents
 * @param text where its texts came from; null without texts
 * @param latents what its samples are; null for pictures
 * @param sampler that is used when no other is asked for
 * @param guidance that is used when no other is asked for
 * @param clip largest value of a sample; null for none
 */
record DiffusionFile(
    DenoiserConfig model,
    NoiseConfig noise,
    Prediction prediction,
    int sampleSize,
    TextContext text,
    LatentSpace latents,
    Sampler sampler,
    double guidance,
    Double clip) {
  /** Names of a checkpoint's parts besides the denoiser. */
  static final String FIRST_STAGE = "first_stage";

  static final String TEXT_ENCODER = "text_encoder";

  private static final ObjectMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  /** How to sample, with another sampler or, where it is null, the file's. */
  Sampling sampling(NoiseSchedule schedule, Sampler other) {
    return new Sampling(
        schedule,
        prediction,
        other == null ? sampler : other,
        clip == null ? Double.POSITIVE_INFINITY : clip);
  }

  static DiffusionFile of(JsonNode config) {
    try {
      return JSON.treeToValue(config, DiffusionFile.class);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint: its config.json is not of a diffusion model (%s)"
              .formatted(e.getMessage().lines().findFirst().orElse("")),
          e);
    }
  }
}
