package org.talespark.zoo.optim;

import org.talespark.zoo.graph.ParameterLayout;

/** How an optimizer treats a parameter. */
enum Group {
  /** Without weight decay. */
  PLAIN,
  /** With weight decay. */
  DECAYED,
  /** With weight decay, along an orthogonal matrix ({@link MuonOptimizer}). */
  ORTHOGONAL;

  private static final int DECAYED_RANK = 2;

  /**
   * Weight decay applies to parameters of two or more dimensions (kernels, embeddings), not to
   * vectors and scalars (biases, gains of norms).
   */
  static Group of(ParameterLayout.Slot slot) {
    return slot.shape().size() >= DECAYED_RANK ? DECAYED : PLAIN;
  }
}
