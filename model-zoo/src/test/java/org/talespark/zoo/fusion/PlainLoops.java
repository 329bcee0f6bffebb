package org.talespark.zoo.fusion;

import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The layers of the package once more, on rows of doubles, in plain loops and without batches. */
final class PlainLoops {
  private final Map<String, INDArray> parameters;

  PlainLoops(Map<String, INDArray> parameters) {
    this.parameters = parameters;
  }

  double[][] linear(String name, double[][] x) {
    double[][] weight = parameters.get(name + ".weight").toDoubleMatrix();
    double[] bias =
        parameters.containsKey(name + ".bias")
            ? parameters.get(name + ".bias").toDoubleVector()
            : new double[weight.length];
    double[][] y = new double[x.length][weight.length];
    for (int n = 0; n < x.length; n++) {
      for (int o = 0; o < weight.length; o++) {
        y[n][o] = bias[o] + dot(x[n], weight[o]);
      }
    }
    return y;
  }

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  double[][] norm(String name, double[][] x, double epsilon) {
    double[] gain = parameters.get(name + ".weight").toDoubleVector();
    double[] shift = parameters.get(name + ".bias").toDoubleVector();
    double[][] y = new double[x.length][gain.length];
    for (int n = 0; n < x.length; n++) {
      double mean = 0;
      double variance = 0;
      for (double value : x[n]) {
        mean += value / gain.length;
      }
      for (double value : x[n]) {
        variance += (value - mean) * (value - mean) / gain.length;
      }
      for (int d = 0; d < gain.length; d++) {
        y[n][d] = gain[d] * (x[n][d] - mean) / Math.sqrt(variance + epsilon) + shift[d];
      }
    }
    return y;
  }

  /** Attention of all queries to the first {@code seen} keys. */
  double[][] attention(String name, double[][] query, double[][] key, int seen, int heads) {
    double[][] q = linear(name + "q_proj", query);
    double[][] k = linear(name + "k_proj", key);
    double[][] v = linear(name + "v_proj", key);
    int hidden = q[0].length;
    int d = hidden / heads;
    double[][] mixed = new double[q.length][hidden];
    for (int t = 0; t < q.length; t++) {
      for (int h = 0; h < heads; h++) {
        double[] weights = new double[seen];
        double sum = 0;
        for (int s = 0; s < seen; s++) {
          double score = 0;
          for (int i = h * d; i < (h + 1) * d; i++) {
            score += q[t][i] * k[s][i];
          }
          weights[s] = Math.exp(score / Math.sqrt(d));
          sum += weights[s];
        }
        for (int s = 0; s < seen; s++) {
          for (int i = h * d; i < (h + 1) * d; i++) {
            mixed[t][i] += weights[s] / sum * v[s][i];
          }
        }
      }
    }
    return linear(name + "out_proj", mixed);
  }

  /** fc2(x sigmoid(1.702 x) of fc1). */
  double[][] feedForward(String name, double[][] x) {
    double[][] h = linear(name + "fc1", x);
    for (double[] row : h) {
      for (int i = 0; i < row.length; i++) {
        row[i] = row[i] / (1 + Math.exp(-1.702 * row[i]));
      }
    }
    return linear(name + "fc2", h);
  }

  static double[][] sum(double[][] a, double[][] b) {
    double[][] y = new double[a.length][a[0].length];
    for (int n = 0; n < a.length; n++) {
      for (int d = 0; d < a[n].length; d++) {
        y[n][d] = a[n][d] + b[n][d];
      }
    }
    return y;
  }
}
