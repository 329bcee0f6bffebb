package org.talespark.zoo.graph;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/** Two small models of SameDiff's stock operations alone, which its interpreter can run too. */
enum StockGraphs {
  TRANSFORMER {
    @Override
    SameDiff build(Map<String, long[]> inputs) {
      SameDiff sd = SameDiff.create();
      Random random = new Random(5);
      int batch = 2;
      int tokens = 12;
      int width = 16;
      int heads = 2;
      long rows = (long) batch * tokens;
      inputs.put("x", new long[] {rows, width});
      SDVariable x = sd.placeHolder("x", DataType.FLOAT, rows, width);
      SDVariable n =
          sd.nn()
              .layerNorm(x, var(sd, random, "g1", width), var(sd, random, "b1", width), false, 1);
      SDVariable q = split(sd, n.mmul(var(sd, random, "wq", width, width)), batch, tokens, heads);
      SDVariable k = split(sd, n.mmul(var(sd, random, "wk", width, width)), batch, tokens, heads);
      SDVariable v = split(sd, n.mmul(var(sd, random, "wv", width, width)), batch, tokens, heads);
      SDVariable scores =
          sd.linalg().mmul(q, k, false, true, false).mul(1 / Math.sqrt((double) width / heads));
      SDVariable mixed =
          sd.linalg().mmul(sd.nn().softmax(scores, 3), v, false, false, false); // [B, h, T, d]
      SDVariable joined = sd.reshape(sd.permute(mixed, 0, 2, 1, 3), rows, width);
      SDVariable h =
          x.add(joined.mmul(var(sd, random, "wo", width, width)).add(var(sd, random, "bo", width)));
      SDVariable m =
          sd.nn()
              .layerNorm(h, var(sd, random, "g2", width), var(sd, random, "b2", width), false, 1);
      SDVariable wide =
          sd.nn()
              .gelu(
                  m.mmul(var(sd, random, "w1", width, 4L * width))
                      .add(var(sd, random, "c1", 4L * width)));
      SDVariable y =
          h.add(
              wide.mmul(var(sd, random, "w2", 4L * width, width))
                  .add(var(sd, random, "c2", width)));
      sd.math().square(y).mean().rename("loss");
      return sd;
    }
  },

  VQ_VAE {
    @Override
    SameDiff build(Map<String, long[]> inputs) {
      SameDiff sd = SameDiff.create();
      Random random = new Random(6);
      int batch = 2;
      int width = 16;
      int dimension = 4;
      int codes = 8;
      int side = 4;
      inputs.put("x", new long[] {batch, 3, 16, 16});
      SDVariable x = sd.placeHolder("x", DataType.FLOAT, batch, 3, 16, 16);
      SDVariable h = x;
      h = sd.nn().relu(conv(sd, random, "e0", h, 3, width, 4, 2), 0);
      h = sd.nn().relu(conv(sd, random, "e1", h, width, width, 4, 2), 0);
      h = conv(sd, random, "e2", h, width, dimension, 3, 1);
      long n = (long) batch * side * side;
      SDVariable z = sd.reshape(sd.permute(h, 0, 2, 3, 1), n, dimension);
      SDVariable table = var(sd, random, "codes", codes, dimension);
      SDVariable frozen = stop(sd, z);
      SDVariable distance =
          sd.math()
              .square(stop(sd, table))
              .sum(false, 1)
              .sub(sd.linalg().mmul(frozen, stop(sd, table), false, true, false).mul(2.0));
      SDVariable indices = sd.castTo(sd.argmin(distance, 1), DataType.INT32);
      SDVariable chosen = sd.oneHot(indices, codes, 1, 1.0, 0.0, DataType.FLOAT).mmul(table);
      SDVariable quantizerLoss =
          sd.math()
              .square(chosen.sub(frozen))
              .mean()
              .add(sd.math().square(z.sub(stop(sd, chosen))).mean().mul(0.25));
      SDVariable through = z.add(stop(sd, chosen.sub(z)));
      SDVariable q = sd.permute(sd.reshape(through, batch, side, side, dimension), 0, 3, 1, 2);
      h = sd.nn().relu(conv(sd, random, "d0", q, dimension, width, 3, 1), 0);
      h = sd.nn().relu(deconv(sd, random, "d1", h, width, width), 0);
      SDVariable y = sd.nn().tanh(deconv(sd, random, "d2", h, width, 3));
      sd.math().square(y.sub(x)).mean().add(quantizerLoss).rename("loss");
      return sd;
    }
  };

  /** The graph with its loss named {@code loss}; adds the shapes of its inputs. */
  abstract SameDiff build(Map<String, long[]> inputs);

  Map<String, long[]> inputs() {
    Map<String, long[]> inputs = new LinkedHashMap<>();
    build(inputs);
    return inputs;
  }

  /** A plan of the loss and all gradients, announced in small buckets. */
  CompiledGraph compile() {
    Map<String, long[]> inputs = new LinkedHashMap<>();
    SameDiff sd = build(inputs);
    CompiledGraph.Builder builder =
        CompiledGraph.of(sd).train(parameters(sd)).losses("loss").bucketBytes(256);
    inputs.forEach(builder::input);
    return builder.build();
  }

  static List<String> parameters(SameDiff sd) {
    return sd.variables().stream()
        .filter(v -> v.getVariableType() == org.nd4j.autodiff.samediff.VariableType.VARIABLE)
        .map(SDVariable::name)
        .toList();
  }

  static INDArray random(long seed, long... shape) {
    return random(new Random(seed), shape);
  }

  private static INDArray random(Random random, long... shape) {
    float[] values = new float[(int) Views.length(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.5 * random.nextGaussian());
    }
    return Nd4j.createFromArray(values).reshape(shape);
  }

  private static SDVariable var(SameDiff sd, Random random, String name, long... shape) {
    return sd.var(name, random(random, shape));
  }

  private static SDVariable stop(SameDiff sd, SDVariable v) {
    return new StopGradient(sd, v).outputVariable();
  }

  private static SDVariable split(SameDiff sd, SDVariable x, int batch, int tokens, int heads) {
    return sd.permute(sd.reshape(x, batch, tokens, heads, -1), 0, 2, 1, 3);
  }

  /** Weights [kH, kW, in, out]: the interpreter's copy of a graph knows no other format. */
  private static SDVariable conv(
      SameDiff sd, Random random, String name, SDVariable x, int in, int out, int k, int stride) {
    return sd.cnn()
        .conv2d(
            x,
            var(sd, random, name + ".weight", k, k, in, out),
            var(sd, random, name + ".bias", out),
            Conv2DConfig.builder().kH(k).kW(k).sH(stride).sW(stride).pH(1).pW(1).build());
  }

  private static SDVariable deconv(
      SameDiff sd, Random random, String name, SDVariable x, int in, int out) {
    return sd.cnn()
        .deconv2d(
            x,
            var(sd, random, name + ".weight", 4, 4, out, in),
            var(sd, random, name + ".bias", out),
            DeConv2DConfig.builder().kH(4).kW(4).sH(2).sW(2).pH(1).pW(1).build());
  }
}
