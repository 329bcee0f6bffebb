package org.talespark.zoo.optim;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.graph.ParameterLayout;

/**
 * Gradient descent, with momentum as PyTorch has it (dampening 0, coupled weight decay):
 *
 * <pre>
 *   d = g + decay p
 *   b = momentum b + d
 *   p = p - lr b               or, with Nesterov's look-ahead,
 *   p = p - lr (d + momentum b)
 * </pre>
 *
 * Without momentum there is no state and b = d.
 */
final class SgdOptimizer extends FlatOptimizer {
  private final double momentum;
  private final boolean nesterov;
  private final double weightDecay;
  private double learningRate;

  SgdOptimizer(
      ParameterLayout layout,
      DataType type,
      double momentum,
      boolean nesterov,
      double weightDecay) {
    super(layout, type, momentum == 0 ? List.of() : List.of("momentum"));
    this.momentum = momentum;
    this.nesterov = nesterov;
    this.weightDecay = weightDecay;
  }

  @Override
  void prepare(long step, double newLearningRate) {
    learningRate = newLearningRate;
  }

  @Override
  void apply(float[][] blocks, int from, int to, Group group) {
    float decayed = group == Group.DECAYED ? (float) weightDecay : 0f;
    if (momentum == 0) {
      plain(blocks[0], blocks[1], from, to, (float) learningRate, decayed);
    } else if (nesterov) {
      lookAhead(
          blocks[0],
          blocks[1],
          blocks[2],
          from,
          to,
          (float) learningRate,
          (float) momentum,
          decayed);
    } else {
      heavyBall(
          blocks[0],
          blocks[1],
          blocks[2],
          from,
          to,
          (float) learningRate,
          (float) momentum,
          decayed);
    }
  }

  private static void plain(float[] p, float[] g, int from, int to, float rate, float decay) {
    for (int i = from; i < to; i++) {
      p[i] -= rate * (g[i] + decay * p[i]);
    }
  }

  private static void heavyBall(
      float[] p, float[] g, float[] b, int from, int to, float rate, float momentum, float decay) {
    for (int i = from; i < to; i++) {
      float velocity = momentum * b[i] + (g[i] + decay * p[i]);
      b[i] = velocity;
      p[i] -= rate * velocity;
    }
  }

  private static void lookAhead(
      float[] p, float[] g, float[] b, int from, int to, float rate, float momentum, float decay) {
    for (int i = from; i < to; i++) {
      float direction = g[i] + decay * p[i];
      float velocity = momentum * b[i] + direction;
      b[i] = velocity;
      p[i] -= rate * (direction + momentum * velocity);
    }
  }

  @Override
  void apply(double[][] blocks, int from, int to, Group group) {
    double[] p = blocks[0];
    double[] g = blocks[1];
    double decayed = group == Group.DECAYED ? weightDecay : 0;
    for (int i = from; i < to; i++) {
      double direction = g[i] + decayed * p[i];
      double move = direction;
      if (momentum != 0) {
        double velocity = momentum * blocks[2][i] + direction;
        blocks[2][i] = velocity;
        move = nesterov ? direction + momentum * velocity : velocity;
      }
      p[i] -= learningRate * move;
    }
  }
}
