package org.talespark.zoo.train;

import java.util.List;

/**
 * What a first stage makes of the pictures of a dataset.
 *
 * @param sha256 of the first stage's weights
 * @param channels C of a latent [C, S, S]
 * @param side S
 * @param mean of each channel, over the training pictures
 * @param deviation of each channel around it
 */
public record LatentSpace(
    String sha256, int channels, int side, List<Double> mean, List<Double> deviation) {
  public LatentSpace {
    mean = List.copyOf(mean);
    deviation = List.copyOf(deviation);
    if (mean.size() != channels
        || deviation.size() != channels
        || deviation.stream().anyMatch(d -> !(d > 0))) {
      throw new IllegalArgumentException(
          "Cannot use latents: channels=%d mean=%s deviation=%s, expected a number a channel and deviations above 0"
              .formatted(channels, mean, deviation));
    }
  }

  /** Numbers of a latent. */
  public int elements() {
    return channels * side * side;
  }
}
