package org.talespark.zoo.graph;

/**
 * Rotary positions (Su 2021, arXiv:2104.09864, Eq. 34): at position t the elements i and i + d/2 of
 * a head are turned as one pair by the angle t theta^(-2i/d), so that the product of a query and a
 * key depends on the distance of their positions alone. The paper pairs neighbours; Hugging Face's
 * LLaMA pairs elements half a head apart, and so does this, for its weights.
 *
 * @param theta base of the wave lengths
 * @param dimension d, elements of a head, even
 * @param tokens positions, from 0
 */
public record Rotary(double theta, int dimension, int tokens) {
  public Rotary {
    if (!(theta > 1) || dimension < 2 || dimension % 2 != 0 || tokens < 1) {
      throw new IllegalArgumentException(
          "Cannot make rotary positions: theta=%s dimension=%d tokens=%d, expected theta > 1, an even dimension and at least one token"
              .formatted(theta, dimension, tokens));
    }
  }

  /** Cosines of the angles, [tokens, dimension / 2] in C order. */
  double[] cosines() {
    double[] table = angles();
    for (int i = 0; i < table.length; i++) {
      table[i] = StrictMath.cos(table[i]);
    }
    return table;
  }

  /** Sines of the angles, [tokens, dimension / 2] in C order. */
  double[] sines() {
    double[] table = angles();
    for (int i = 0; i < table.length; i++) {
      table[i] = StrictMath.sin(table[i]);
    }
    return table;
  }

  private double[] angles() {
    int half = dimension / 2;
    double[] angles = new double[tokens * half];
    for (int i = 0; i < half; i++) {
      double frequency = StrictMath.pow(theta, -2.0 * i / dimension);
      for (int t = 0; t < tokens; t++) {
        angles[t * half + i] = t * frequency;
      }
    }
    return angles;
  }
}
