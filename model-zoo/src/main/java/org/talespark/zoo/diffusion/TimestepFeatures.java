package org.talespark.zoo.diffusion;

/**
 * Sinusoidal features of timesteps, as diffusers' {@code get_timestep_embedding} with {@code
 * flip_sin_to_cos} and {@code downscale_freq_shift=0}: with h = width / 2 (rounded down) and i from
 * 0 to h - 1
 *
 * <pre>
 *   feature i     = cos(t w_i)        w_i = 10000^(-i / h)
 *   feature h + i = sin(t w_i)
 * </pre>
 *
 * and a zero behind them where the width is odd. Computed once for all timesteps, in double; they
 * enter a graph as an input. Immutable.
 */
public final class TimestepFeatures {
  private static final double LONGEST = 10000;

  private final int width;
  private final int steps;
  private final float[] table; // [steps, width]

  /**
   * Features of the timesteps 0 to {@code steps} - 1.
   *
   * @param width features of a timestep, at least 2
   */
  public TimestepFeatures(int steps, int width) {
    if (steps < 1 || width < 2) {
      throw new IllegalArgumentException(
          "Cannot make timestep features: steps=%d width=%d, expected at least 1 and 2"
              .formatted(steps, width));
    }
    this.width = width;
    this.steps = steps;
    this.table = new float[Math.multiplyExact(steps, width)];
    int half = width / 2;
    for (int i = 0; i < half; i++) {
      double frequency = StrictMath.pow(LONGEST, -(double) i / half);
      for (int t = 0; t < steps; t++) {
        table[t * width + i] = (float) StrictMath.cos(t * frequency);
        table[t * width + half + i] = (float) StrictMath.sin(t * frequency);
      }
    }
  }

  /** Features of a timestep. */
  public int width() {
    return width;
  }

  /** Features [B, width] of timesteps [B]. */
  public float[] of(int[] timesteps) {
    float[] features = new float[timesteps.length * width];
    for (int b = 0; b < timesteps.length; b++) {
      copy(timesteps[b], features, b);
    }
    return features;
  }

  /** Features [batch, width] of one timestep for a whole batch. */
  public float[] of(int timestep, int batch) {
    float[] features = new float[batch * width];
    for (int b = 0; b < batch; b++) {
      copy(timestep, features, b);
    }
    return features;
  }

  private void copy(int timestep, float[] features, int row) {
    if (timestep < 0 || timestep >= steps) {
      throw new IllegalArgumentException(
          "Cannot make timestep features: timestep=%d, expected 0 to %d"
              .formatted(timestep, steps - 1));
    }
    System.arraycopy(table, timestep * width, features, row * width, width);
  }
}
