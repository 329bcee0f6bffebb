package org.talespark.zoo.diffusion;

import java.util.List;
import java.util.SplittableRandom;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.nn.Normal;

/**
 * What chance gives each sample of a training step: its timestep, its noise, and whether it does
 * without context. Drawn from the seed, the step and the sample's key, so a sample that a step has
 * twice, as tiny datasets may, gets the same twice. The arrays are filled anew by each draw.
 */
final class TrainingNoise {
  private final long seed;
  private final int steps;
  private final int elements;
  private final double dropout;
  private final TimestepSampling sampling;
  private final int[] timesteps;
  private final float[] noise;
  private final boolean[] dropped;

  /**
   * For batches of one size.
   *
   * @param steps timesteps of the schedule
   * @param elements of a sample
   * @param dropout probability of doing without context
   */
  TrainingNoise(
      long seed, int steps, int batch, int elements, double dropout, TimestepSampling sampling) {
    if (!(dropout >= 0 && dropout <= 1)) {
      throw new IllegalArgumentException(
          "Cannot configure diffusion: context_dropout=%s, expected 0 to 1".formatted(dropout));
    }
    this.seed = seed;
    this.steps = steps;
    this.elements = elements;
    this.dropout = dropout;
    this.sampling = sampling;
    this.timesteps = new int[batch];
    this.noise = new float[Math.multiplyExact(batch, elements)];
    this.dropped = new boolean[batch];
  }

  /** Draws for the samples of a step, by their keys. */
  void draw(long step, List<String> keys) {
    if (keys.size() != timesteps.length) {
      throw new IllegalArgumentException(
          "Cannot draw noise: keys=%d, expected %d".formatted(keys.size(), timesteps.length));
    }
    for (int b = 0; b < timesteps.length; b++) {
      long key = NoiseKey.training(seed, step, keys.get(b));
      SplittableRandom random = new SplittableRandom(NoiseKey.at(key, 0));
      timesteps[b] = sampling.draw(random, steps);
      dropped[b] = random.nextDouble() < dropout;
      Normal.fill(NoiseKey.at(key, 1), noise, b * elements, elements);
    }
  }

  /** [B]. */
  int[] timesteps() {
    return timesteps;
  }

  /** [B, elements], standard normal. */
  float[] noise() {
    return noise;
  }

  /** [B]. */
  boolean[] dropped() {
    return dropped;
  }
}
