package org.talespark.zoo.optim;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.graph.ParameterLayout;

/**
 * Adam (arXiv:1412.6980) with decoupled weight decay (arXiv:1711.05101), in PyTorch's order:
 *
 * <pre>
 *   p = p (1 - lr decay)
 *   m = m + (g - m) (1 - beta1)
 *   v = v + (g g - v) (1 - beta2)
 *   p = p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 * </pre>
 *
 * <p>The averages are written as steps towards the new value: in single precision {@code beta + (1
 * - beta)} is not 1, and the average would settle beside what it averages.
 */
final class AdamOptimizer extends FlatOptimizer {
  private final double beta1;
  private final double beta2;
  private final double eps;
  private final double weightDecay;

  private double stepSize;
  private double rootScale;
  private double keep;

  AdamOptimizer(
      ParameterLayout layout,
      DataType type,
      double beta1,
      double beta2,
      double eps,
      double weightDecay) {
    super(layout, type, List.of("exp_avg", "exp_avg_sq"));
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.eps = eps;
    this.weightDecay = weightDecay;
  }

  @Override
  void prepare(long step, double learningRate) {
    stepSize = stepSize(learningRate, beta1, step);
    rootScale = rootScale(beta2, step);
    keep = 1 - learningRate * weightDecay;
  }

  /** The rate over what the mean lacks; StrictMath: the same bits on every machine. */
  static double stepSize(double learningRate, double beta1, long step) {
    return learningRate / (1 - StrictMath.pow(beta1, (double) step));
  }

  static double rootScale(double beta2, long step) {
    return 1 / Math.sqrt(1 - StrictMath.pow(beta2, (double) step));
  }

  @Override
  void apply(float[][] blocks, int from, int to, Group group) {
    kernel(
        blocks[0],
        blocks[1],
        blocks[2],
        blocks[3],
        from,
        to,
        (float) (1 - beta1),
        (float) (1 - beta2),
        (float) rootScale,
        (float) eps,
        (float) stepSize,
        group == Group.DECAYED ? (float) keep : 1f);
  }

  static void kernel(
      float[] p,
      float[] g,
      float[] m,
      float[] v,
      int from,
      int to,
      float rate1,
      float rate2,
      float rootScale,
      float eps,
      float stepSize,
      float keep) {
    for (int i = from; i < to; i++) {
      float mean = m[i] + (g[i] - m[i]) * rate1;
      float square = v[i] + (g[i] * g[i] - v[i]) * rate2;
      m[i] = mean;
      v[i] = square;
      p[i] = p[i] * keep - stepSize * mean / ((float) Math.sqrt(square) * rootScale + eps);
    }
  }

  @Override
  void apply(double[][] blocks, int from, int to, Group group) {
    kernel(
        blocks,
        from,
        to,
        beta1,
        beta2,
        rootScale,
        eps,
        stepSize,
        group == Group.DECAYED ? keep : 1);
  }

  static void kernel(
      double[][] blocks,
      int from,
      int to,
      double beta1,
      double beta2,
      double rootScale,
      double eps,
      double stepSize,
      double keep) {
    double[] p = blocks[0];
    double[] g = blocks[1];
    double[] m = blocks[2];
    double[] v = blocks[3];
    for (int i = from; i < to; i++) {
      double mean = m[i] + (g[i] - m[i]) * (1 - beta1);
      double square = v[i] + (g[i] * g[i] - v[i]) * (1 - beta2);
      m[i] = mean;
      v[i] = square;
      p[i] = p[i] * keep - stepSize * mean / (Math.sqrt(square) * rootScale + eps);
    }
  }
}
