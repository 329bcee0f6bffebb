package org.talespark.zoo.contrastive;

/** The losses of whole batches by their definitions, in plain loops. */
final class ReferenceLoss {
  private ReferenceLoss() {}

  static double of(PairLoss loss, double[][] x, double[][] t, double logScale, double bias) {
    int n = x.length;
    double scale = Math.exp(logScale);
    double sum = 0;
    for (int i = 0; i < n; i++) {
      double texts = 0;
      double pictures = 0;
      for (int j = 0; j < n; j++) {
        texts += Math.exp(scale * dot(x[i], t[j]));
        pictures += Math.exp(scale * dot(x[j], t[i]));
        if (loss instanceof PairLoss.Sigmoid) {
          double z = scale * dot(x[i], t[j]) + bias;
          sum += Math.log(1 + Math.exp(i == j ? -z : z)) / n;
        }
      }
      if (loss instanceof PairLoss.Softmax) {
        double own = Math.exp(scale * dot(x[i], t[i]));
        sum -= (Math.log(own / texts) + Math.log(own / pictures)) / (2 * n);
      }
    }
    return sum;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
