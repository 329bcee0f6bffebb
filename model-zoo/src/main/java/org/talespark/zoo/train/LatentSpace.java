package org.talespark.zoo.train;

import java.util.List;

/**
 * What a first stage makes of the pictures of a dataset.
 *
 * @param sha256 of the first stage's weights
 * @param channels C of a latent [C, S, S]
 * @param side S
 * @param mean of each channel, over the training pictures, [C]
 * @param covariance of the channels around it, [C, C]
 */
public record LatentSpace(
    String sha256, int channels, int side, List<Double> mean, List<List<Double>> covariance) {
  public LatentSpace {
    mean = List.copyOf(mean);
    covariance = covariance.stream().map(List::copyOf).toList();
    int expected = channels;
    if (mean.size() != channels
        || covariance.size() != channels
        || covariance.stream().anyMatch(row -> row.size() != expected)) {
      throw new IllegalArgumentException(
          "Cannot use latents: channels=%d mean=%s covariance=%s, expected a number and a row a channel"
              .formatted(channels, mean, covariance));
    }
  }

  /** Numbers of a latent. */
  public int elements() {
    return channels * side * side;
  }
}
