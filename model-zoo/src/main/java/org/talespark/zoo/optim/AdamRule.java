package org.talespark.zoo.optim;

/**
 * How Adam (arXiv:1412.6980) with decoupled weight decay (arXiv:1711.05101) moves elements, in
 * PyTorch's order:
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
final class AdamRule {
  private final double beta1;
  private final double beta2;
  private final double eps;
  private final double weightDecay;

  private double stepSize;
  private double rootScale;
  private double keep;

  AdamRule(double beta1, double beta2, double eps, double weightDecay) {
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.eps = eps;
    this.weightDecay = weightDecay;
  }

  /** Computes what is the same for all elements of one update. */
  void prepare(long step, double learningRate) {
    // StrictMath: the same bits on every machine
    stepSize = learningRate / (1 - StrictMath.pow(beta1, (double) step));
    rootScale = 1 / Math.sqrt(1 - StrictMath.pow(beta2, (double) step));
    keep = 1 - learningRate * weightDecay;
  }

  /** Updates elements of a block: parameters, gradients, means, means of squares. */
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

  private static void kernel(
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

  void apply(double[][] blocks, int from, int to, Group group) {
    double[] p = blocks[0];
    double[] g = blocks[1];
    double[] m = blocks[2];
    double[] v = blocks[3];
    double kept = group == Group.DECAYED ? keep : 1;
    for (int i = from; i < to; i++) {
      double mean = m[i] + (g[i] - m[i]) * (1 - beta1);
      double square = v[i] + (g[i] * g[i] - v[i]) * (1 - beta2);
      m[i] = mean;
      v[i] = square;
      p[i] = p[i] * kept - stepSize * mean / (Math.sqrt(square) * rootScale + eps);
    }
  }
}
