package org.talespark.zoo.language;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The decoder's equations in plain loops over doubles, one sample at a time. */
final class ReferenceLlama {
  private final Llama.Config config;
  private final Map<String, double[]> weights = new HashMap<>();

  /** Of copies of these weights. */
  ReferenceLlama(Llama.Config config, Map<String, INDArray> weights) {
    this.config = config;
    weights.forEach(
        (name, array) ->
            this.weights.put(name, array.dup('c').castTo(DataType.DOUBLE).data().asDouble()));
  }

  /** The elements of a weight in C order, to be changed. */
  double[] weight(String name) {
    return weights.get(name);
  }

  /** Logits after each token of one sample, [tokens][vocabulary]. */
  double[][] logits(int[] tokens) {
    double[][] x = new double[tokens.length][];
    for (int t = 0; t < tokens.length; t++) {
      int from = tokens[t] * config.hiddenSize();
      x[t] = Arrays.copyOfRange(weights.get(Llama.EMBEDDING), from, from + config.hiddenSize());
    }
    for (int layer = 0; layer < config.numHiddenLayers(); layer++) {
      String name = "model.layers." + layer + ".";
      double[][] mixed = attention(name + "self_attn.", norms(name + "input_layernorm", x));
      add(x, mixed);
      double[][] u = norms(name + "post_attention_layernorm", x);
      for (int t = 0; t < x.length; t++) {
        double[] gate = product(name + "mlp.gate_proj", u[t]);
        double[] up = product(name + "mlp.up_proj", u[t]);
        for (int i = 0; i < gate.length; i++) {
          gate[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
        }
        u[t] = product(name + "mlp.down_proj", gate);
      }
      add(x, u);
    }
    double[][] last = norms("model.norm", x);
    String head = config.tieWordEmbeddings() ? Llama.EMBEDDING : Llama.HEAD;
    double[][] logits = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      logits[t] = product(weights.get(head), last[t]);
    }
    return logits;
  }

  /** Sum of the labels' cross-entropies where the weight is not zero. */
  double nats(ByteTokens.Rows rows, int context) {
    double sum = 0;
    for (int first = 0; first < rows.inputs().length; first += context) {
      int[] tokens = Arrays.copyOfRange(rows.inputs(), first, first + context);
      double[][] logits = logits(tokens);
      for (int t = 0; t < context; t++) {
        if (rows.weights()[first + t] != 0) {
          double z = 0;
          for (double logit : logits[t]) {
            z += Math.exp(logit);
          }
          sum += Math.log(z) - logits[t][rows.labels()[first + t]];
        }
      }
    }
    return sum;
  }

  private double[][] attention(String name, double[][] u) {
    int d = config.headDimension();
    int group = config.numAttentionHeads() / config.numKeyValueHeads();
    double[][] q = new double[u.length][];
    double[][] k = new double[u.length][];
    double[][] v = new double[u.length][];
    for (int t = 0; t < u.length; t++) {
      q[t] = turned(product(name + "q_proj", u[t]), t);
      k[t] = turned(product(name + "k_proj", u[t]), t);
      v[t] = product(name + "v_proj", u[t]);
    }
    double[][] out = new double[u.length][];
    for (int t = 0; t < u.length; t++) {
      double[] mixed = new double[config.numAttentionHeads() * d];
      for (int head = 0; head < config.numAttentionHeads(); head++) {
        int key = head / group;
        double[] weight = new double[t + 1];
        double total = 0;
        for (int s = 0; s <= t; s++) {
          double score = 0;
          for (int i = 0; i < d; i++) {
            score += q[t][head * d + i] * k[s][key * d + i];
          }
          weight[s] = Math.exp(score / Math.sqrt(d));
          total += weight[s];
        }
        for (int s = 0; s <= t; s++) {
          for (int i = 0; i < d; i++) {
            mixed[head * d + i] += weight[s] / total * v[s][key * d + i];
          }
        }
      }
      out[t] = product(name + "o_proj", mixed);
    }
    return out;
  }

  private double[] turned(double[] x, int position) {
    int d = config.headDimension();
    double[] y = new double[x.length];
    for (int at = 0; at < x.length; at += d) {
      for (int i = 0; i < d / 2; i++) {
        double angle = position / Math.pow(config.ropeTheta(), 2.0 * i / d);
        double a = x[at + i];
        double b = x[at + i + d / 2];
        y[at + i] = a * Math.cos(angle) - b * Math.sin(angle);
        y[at + i + d / 2] = a * Math.sin(angle) + b * Math.cos(angle);
      }
    }
    return y;
  }

  private double[][] norms(String name, double[][] x) {
    double[] gain = weights.get(name + ".weight");
    double[][] y = new double[x.length][gain.length];
    for (int t = 0; t < x.length; t++) {
      double square = 0;
      for (double value : x[t]) {
        square += value * value;
      }
      double rms = Math.sqrt(square / gain.length + config.rmsNormEps());
      for (int i = 0; i < gain.length; i++) {
        y[t][i] = gain[i] * x[t][i] / rms;
      }
    }
    return y;
  }

  private double[] product(String name, double[] x) {
    return product(weights.get(name + ".weight"), x);
  }

  private static double[] product(double[] weight, double[] x) {
    double[] y = new double[weight.length / x.length];
    for (int o = 0; o < y.length; o++) {
      for (int i = 0; i < x.length; i++) {
        y[o] += weight[o * x.length + i] * x[i];
      }
    }
    return y;
  }

  private static void add(double[][] x, double[][] y) {
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < x[t].length; i++) {
        x[t][i] += y[t][i];
      }
    }
  }
}
