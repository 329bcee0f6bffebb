package org.talespark.zoo.text;

import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** CLIP's text transformer, with or without a token shift, in plain loops, one text at a time. */
final class ReferenceTextEncoder {
  private final TextEncoder.Config config;
  private final Map<String, INDArray> weights;

  ReferenceTextEncoder(TextEncoder.Config config, Map<String, INDArray> weights) {
    this.config = config;
    this.weights = weights;
  }

  /** The last hidden states of a text, [tokens][width]. */
  double[][] states(int[] tokens) {
    int width = config.hiddenSize();
    double[][] x = new double[tokens.length][width];
    for (int t = 0; t < tokens.length; t++) {
      for (int i = 0; i < width; i++) {
        x[t][i] =
            weight("embeddings.token_embedding").getDouble(tokens[t], i)
                + weight("embeddings.position_embedding").getDouble(t, i);
        INDArray previous = weights.get(TextEncoder.PREVIOUS);
        if (previous != null) {
          x[t][i] += previous.getDouble(tokens[t == 0 ? 0 : t - 1], i);
        }
      }
    }
    for (int layer = 0; layer < config.numHiddenLayers(); layer++) {
      String name = "encoder.layers.%d.".formatted(layer);
      add(x, attention(name + "self_attn.", norm(name + "layer_norm1", x)));
      double[][] h = linear(name + "mlp.fc1", norm(name + "layer_norm2", x));
      for (double[] row : h) {
        for (int i = 0; i < row.length; i++) {
          row[i] /= 1 + Math.exp(-1.702 * row[i]);
        }
      }
      add(x, linear(name + "mlp.fc2", h));
    }
    return norm("final_layer_norm", x);
  }

  private INDArray weight(String module) {
    return weights.get("text_model." + module + ".weight");
  }

  private static void add(double[][] x, double[][] y) {
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < x[t].length; i++) {
        x[t][i] += y[t][i];
      }
    }
  }

  private double[][] linear(String module, double[][] x) {
    INDArray weight = weight(module);
    INDArray bias = weights.get("text_model." + module + ".bias");
    double[][] y = new double[x.length][(int) weight.size(0)];
    for (int t = 0; t < x.length; t++) {
      for (int o = 0; o < y[t].length; o++) {
        y[t][o] = bias.getDouble(o);
        for (int i = 0; i < x[t].length; i++) {
          y[t][o] += weight.getDouble(o, i) * x[t][i];
        }
      }
    }
    return y;
  }

  private double[][] norm(String module, double[][] x) {
    INDArray bias = weights.get("text_model." + module + ".bias");
    double[][] y = new double[x.length][config.hiddenSize()];
    for (int t = 0; t < x.length; t++) {
      double mean = 0;
      for (double value : x[t]) {
        mean += value / x[t].length;
      }
      double variance = 0;
      for (double value : x[t]) {
        variance += (value - mean) * (value - mean) / x[t].length;
      }
      for (int i = 0; i < y[t].length; i++) {
        double normal = (x[t][i] - mean) / Math.sqrt(variance + config.layerNormEps());
        y[t][i] = normal * weight(module).getDouble(i) + bias.getDouble(i);
      }
    }
    return y;
  }

  private double[][] attention(String name, double[][] x) {
    double[][] query = linear(name + "q_proj", x);
    double[][] key = linear(name + "k_proj", x);
    double[][] value = linear(name + "v_proj", x);
    int d = config.hiddenSize() / config.numAttentionHeads();
    double[][] mixed = new double[x.length][config.hiddenSize()];
    for (int head = 0; head < config.numAttentionHeads(); head++) {
      for (int t = 0; t < x.length; t++) {
        double[] score = new double[t + 1];
        double sum = 0;
        for (int s = 0; s <= t; s++) {
          for (int i = head * d; i < (head + 1) * d; i++) {
            score[s] += query[t][i] * key[s][i] / Math.sqrt(d);
          }
          score[s] = Math.exp(score[s]);
          sum += score[s];
        }
        for (int s = 0; s <= t; s++) {
          for (int i = head * d; i < (head + 1) * d; i++) {
            mixed[t][i] += score[s] / sum * value[s][i];
          }
        }
      }
    }
    return linear(name + "out_proj", mixed);
  }
}
