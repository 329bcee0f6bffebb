package org.talespark.zoo.optim;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.graph.ParameterLayout;

/**
 * Lion, algorithm 2 of arXiv:2302.06675:
 *
 * <pre>
 *   p = p (1 - lr decay)
 *   p = p - lr sign(beta1 m + (1 - beta1) g)
 *   m = m + (g - m) (1 - beta2)
 * </pre>
 */
final class LionOptimizer extends FlatOptimizer {
  private final double beta1;
  private final double beta2;
  private final double weightDecay;
  private double learningRate;

  LionOptimizer(
      ParameterLayout layout, DataType type, double beta1, double beta2, double weightDecay) {
    super(layout, type, List.of("exp_avg"));
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.weightDecay = weightDecay;
  }

  @Override
  void prepare(long step, double newLearningRate) {
    learningRate = newLearningRate;
  }

  @Override
  void apply(float[][] blocks, int from, int to, Group group) {
    kernel(
        blocks[0],
        blocks[1],
        blocks[2],
        from,
        to,
        (float) beta1,
        (float) (1 - beta1),
        (float) (1 - beta2),
        (float) learningRate,
        group == Group.DECAYED ? (float) (1 - learningRate * weightDecay) : 1f);
  }

  private static void kernel(
      float[] p,
      float[] g,
      float[] m,
      int from,
      int to,
      float beta1,
      float rate1,
      float rate2,
      float learningRate,
      float keep) {
    for (int i = from; i < to; i++) {
      float direction = m[i] * beta1 + g[i] * rate1;
      p[i] = p[i] * keep - learningRate * sign(direction);
      m[i] += (g[i] - m[i]) * rate2;
    }
  }

  /**
   * Like {@link Math#signum(float)}, but vectorised: the smallest float times 2^200 is above one,
   * so that the clamp gives -1 or 1 for whatever is not 0 or NaN.
   */
  static float sign(float x) {
    return Math.max(-1f, Math.min(1f, x * 0x1p100f * 0x1p100f));
  }

  @Override
  void apply(double[][] blocks, int from, int to, Group group) {
    double[] p = blocks[0];
    double[] g = blocks[1];
    double[] m = blocks[2];
    double keep = group == Group.DECAYED ? 1 - learningRate * weightDecay : 1;
    for (int i = from; i < to; i++) {
      double direction = m[i] * beta1 + g[i] * (1 - beta1);
      p[i] = p[i] * keep - learningRate * Math.signum(direction);
      m[i] += (g[i] - m[i]) * (1 - beta2);
    }
  }
}
