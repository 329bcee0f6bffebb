package org.talespark.zoo.graph;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The operations that models are made of: the only way in which they use SameDiff. Each has a
 * gradient check in double; where a stock operation's gradient is wrong or missing, this layer has
 * another in its place.
 *
 * <p>Pictures are [B, C, H, W]; convolution weights are [out, in, kH, kW] and linear weights [out,
 * in], as in PyTorch. For float32, activations, group normalisation, upsampling and cross-entropy
 * are fused; for double, and on request, they are made of ND4J's own operations. What only
 * transformers need is in {@link TransformerOps}.
 */
public final class Ops {
  private final SameDiff graph;
  private final DataType type;
  private final boolean fused;

  /** A new graph of floating-point type FLOAT or DOUBLE. */
  public Ops(DataType type) {
    this(type, true);
  }

  /** Without fused operations every operation is one of ND4J's. */
  public Ops(DataType type, boolean fuse) {
    if (type != DataType.FLOAT && type != DataType.DOUBLE) {
      throw new IllegalArgumentException(
          "Cannot make a graph: type=%s, expected FLOAT or DOUBLE".formatted(type));
    }
    this.graph = SameDiff.create();
    this.type = type;
    this.fused = fuse && type == DataType.FLOAT;
  }

  public SameDiff graph() {
    return graph;
  }

  public DataType type() {
    return type;
  }

  /** Whether several of ND4J's operations may be one of ours. */
  boolean fused() {
    return fused;
  }

  // --- leaves

  /** An input of the graph's type. */
  public SDVariable input(String name, long... shape) {
    return graph.placeHolder(name, type, shape);
  }

  /** An input of int32 indices. */
  public SDVariable indices(String name, long... shape) {
    return graph.placeHolder(name, DataType.INT32, shape);
  }

  /** A trainable variable with these initial values. */
  public SDVariable parameter(String name, INDArray initial) {
    return graph.var(requireNonNull(name), initial.castTo(type));
  }

  /** A variable outside gradient and optimizer. */
  public SDVariable frozen(String name, INDArray values) {
    return graph.constant(requireNonNull(name), values.castTo(type));
  }

  public SDVariable scalar(double value) {
    return graph.constant(Nd4j.scalar(type, value));
  }

  /** Gives an output its name. */
  public SDVariable name(String name, SDVariable variable) {
    return variable.rename(name);
  }

  // --- convolutions

  /**
   * Convolution: x [B, C, H, W], weight [O, C, kH, kW], bias [O] or null -> [B, O, H', W'], H' = (H
   * + 2 padding - kH) / stride + 1.
   */
  public SDVariable conv2d(
      SDVariable x, SDVariable weight, SDVariable bias, int stride, int padding) {
    return convolution("conv2d", x, weight, bias, stride, padding);
  }

  /**
   * Transposed convolution: x [B, C, H, W], weight [C, O, kH, kW], bias [O] or null -> [B, O, H',
   * W'], H' = (H - 1) stride - 2 padding + kH.
   */
  public SDVariable convTranspose2d(
      SDVariable x, SDVariable weight, SDVariable bias, int stride, int padding) {
    return convolution("deconv2d", x, weight, bias, stride, padding);
  }

  private SDVariable convolution(
      String name, SDVariable x, SDVariable weight, SDVariable bias, int stride, int padding) {
    long[] kernel = weight.getShape();
    // kernel, stride, padding, dilation, explicit padding, NCHW, output-first weights
    long[] arguments = {kernel[2], kernel[3], stride, stride, padding, padding, 1, 1, 0, 0, 1};
    return NativeOp.of(
            name,
            inputs(x, weight, bias),
            arguments,
            (op, g) -> backward(name + "_bp", op, g.get(0), arguments))
        .output();
  }

  private static List<SDVariable> inputs(SDVariable x, SDVariable weight, SDVariable bias) {
    return bias == null ? List.of(x, weight) : List.of(x, weight, bias);
  }

  private static List<SDVariable> backward(
      String name, NativeOp op, SDVariable gradient, long[] arguments) {
    List<SDVariable> inputs = new ArrayList<>(List.of(op.args()));
    int outputs = inputs.size();
    inputs.add(gradient);
    return List.of(NativeOp.backward(name, inputs, outputs, arguments).outputVariables());
  }

  /** Nearest-neighbour upsampling by two: [B, C, H, W] -> [B, C, 2H, 2W]. */
  public SDVariable upsample(SDVariable x) {
    return fused ? FusedUpsample.apply(x) : graph.cnn().upsampling2d(x, 2, 2, true);
  }

  /** Max pooling without padding: [B, C, H, W] -> [B, C, H / size, W / size]. */
  public SDVariable maxPool(SDVariable x, int size) {
    return pool("maxpool2d", x, size);
  }

  /** Means of squares without padding: [B, C, H, W] -> [B, C, H / size, W / size]. */
  public SDVariable averagePool(SDVariable x, int size) {
    return pool("avgpool2d", x, size);
  }

  private static SDVariable pool(String name, SDVariable x, int size) {
    long[] arguments = {size, size, size, size, 0, 0, 1, 1, 0, 1, 0};
    return NativeOp.of(
            name, List.of(x), arguments, (op, g) -> backward(name + "_bp", op, g.get(0), arguments))
        .output();
  }

  /** Zeros behind the last row and column: [B, C, H, W] -> [B, C, H + 1, W + 1]. */
  public SDVariable padBottomRight(SDVariable x) {
    SDVariable paddings =
        graph.constant(Nd4j.createFromArray(new int[][] {{0, 0}, {0, 0}, {0, 1}, {0, 1}}));
    return graph.nn().pad(x, paddings, 0);
  }

  // --- normalisation

  /** Group normalisation without activation. */
  public SDVariable groupNorm(
      SDVariable x, SDVariable gamma, SDVariable beta, int groups, double epsilon) {
    return groupNorm(x, gamma, beta, groups, epsilon, false);
  }

  /** Group normalisation followed by SiLU. */
  public SDVariable groupNormSilu(
      SDVariable x, SDVariable gamma, SDVariable beta, int groups, double epsilon) {
    return groupNorm(x, gamma, beta, groups, epsilon, true);
  }

  private SDVariable groupNorm(
      SDVariable x, SDVariable gamma, SDVariable beta, int groups, double epsilon, boolean silu) {
    if (fused) {
      return FusedGroupNorm.apply(x, gamma, beta, groups, epsilon, silu);
    }
    SDVariable shape = graph.shape(x);
    long channels = gamma.getShape()[0];
    SDVariable batch = graph.stridedSlice(shape, new long[] {0}, new long[] {1}, new long[] {1});
    SDVariable grouped =
        graph.reshape(
            x, graph.concat(0, batch, graph.constant(Nd4j.createFromArray((long) groups, -1L))));
    SDVariable centred = grouped.sub(grouped.mean(true, 2));
    SDVariable variance = graph.math().square(centred).mean(true, 2);
    SDVariable normalised = centred.div(graph.math().sqrt(variance.add(epsilon)));
    SDVariable y =
        graph
            .reshape(normalised, shape)
            .mul(gamma.reshape(1, channels, 1, 1))
            .add(beta.reshape(1, channels, 1, 1));
    return silu ? silu(y) : y;
  }

  /** Normalises the last axis of x, of width D; gamma and beta [D], beta may be null. */
  public SDVariable layerNorm(SDVariable x, SDVariable gamma, SDVariable beta, int rank) {
    return beta == null
        ? graph.nn().layerNorm(x, gamma, false, rank - 1)
        : graph.nn().layerNorm(x, gamma, beta, false, rank - 1);
  }

  /**
   * Batch normalisation with the batch's own statistics: x [B, C, H, W], gamma and beta [C].
   * Composed, because the stock operation's gradient throws.
   */
  public SDVariable batchNorm(SDVariable x, SDVariable gamma, SDVariable beta, double epsilon) {
    long channels = gamma.getShape()[0];
    SDVariable centred = x.sub(x.mean(true, 0, 2, 3));
    SDVariable variance = graph.math().square(centred).mean(true, 0, 2, 3);
    return centred
        .div(graph.math().sqrt(variance.add(epsilon)))
        .mul(gamma.reshape(1, channels, 1, 1))
        .add(beta.reshape(1, channels, 1, 1));
  }

  // --- activations

  public SDVariable relu(SDVariable x) {
    return leakyRelu(x, 0);
  }

  /** x where positive, slope * x elsewhere. */
  public SDVariable leakyRelu(SDVariable x, double slope) {
    if (fused) {
      return Activations.apply(x, new Activations.LeakyRelu((float) slope));
    }
    return slope == 0 ? graph.nn().relu(x, 0) : graph.nn().leakyRelu(x, slope);
  }

  /** x * sigmoid(x). */
  public SDVariable silu(SDVariable x) {
    return fused ? Activations.apply(x, new Activations.Silu()) : x.mul(graph.nn().sigmoid(x));
  }

  /** x * Phi(x) with the error function, PyTorch's default. */
  public SDVariable gelu(SDVariable x) {
    return fused
        ? Activations.apply(x, new Activations.Gelu())
        : x.mul(0.5).mul(graph.math().erf(x.mul(Math.sqrt(0.5))).add(1.0));
  }

  /** x * sigmoid(1.702 x). */
  public SDVariable quickGelu(SDVariable x) {
    return fused
        ? Activations.apply(x, new Activations.QuickGelu())
        : x.mul(graph.nn().sigmoid(x.mul(1.702)));
  }

  /**
   * Dropout: an element of x [B*T, D] is left out with probability {@code rate}, others are divided
   * by 1 - rate. What is left out follows from each sample's key alone; only for float32.
   *
   * @param keys int32 [B, 2], both halves of a key for each sample
   * @param stream another one gives another choice for the same keys
   */
  public SDVariable dropout(SDVariable x, SDVariable keys, double rate, long stream) {
    if (!fused || !(rate > 0 && rate < 1)) {
      throw new IllegalArgumentException(
          "Cannot build dropout: type=%s rate=%s, expected FLOAT and more than 0, less than 1"
              .formatted(type, rate));
    }
    return FusedDropout.apply(x, keys, rate, stream);
  }

  public SDVariable tanh(SDVariable x) {
    return graph.nn().tanh(x);
  }

  public SDVariable sigmoid(SDVariable x) {
    return graph.nn().sigmoid(x);
  }

  /** log(1 + exp(x)). */
  public SDVariable softplus(SDVariable x) {
    return graph.nn().softplus(x);
  }

  public SDVariable softmax(SDVariable x, int axis) {
    return graph.nn().softmax(x, axis);
  }

  /** Logarithm of the softmax; composed, because the stock operation cannot be built. */
  public SDVariable logSoftmax(SDVariable x, int axis) {
    return NativeOp.of(
            "log_softmax",
            List.of(x),
            new long[] {axis},
            (op, g) -> {
              SDVariable gradient = g.get(0);
              SDVariable softmax = graph.math().exp(op.outputVariable());
              return List.of(gradient.sub(softmax.mul(gradient.sum(true, axis))));
            })
        .output();
  }

  // --- matrices and indices

  /**
   * a [.., M, K] or its transpose times b [.., K, N] or its transpose -> [.., M, N]. The stock
   * operation's gradient is wrong where the product is a single number.
   */
  public SDVariable matmul(SDVariable a, SDVariable b, boolean transposeA, boolean transposeB) {
    return NativeOp.of(
            "matmul",
            List.of(a, b),
            new long[] {transposeA ? 1 : 0, transposeB ? 1 : 0, 0},
            (op, g) -> {
              SDVariable c = g.get(0);
              SDVariable ofA =
                  transposeA ? product(b, c, transposeB, true) : product(c, b, false, !transposeB);
              SDVariable ofB =
                  transposeB ? product(c, a, true, transposeA) : product(a, c, !transposeA, false);
              return List.of(ofA, ofB);
            })
        .output();
  }

  private static SDVariable product(
      SDVariable a, SDVariable b, boolean transposeA, boolean transposeB) {
    return NativeOp.backward("matmul", List.of(a, b), 1, transposeA ? 1 : 0, transposeB ? 1 : 0, 0)
        .output();
  }

  /** x [N, in], weight [out, in], bias [out] or null -> [N, out]. */
  public SDVariable linear(SDVariable x, SDVariable weight, SDVariable bias) {
    SDVariable y = matmul(x, weight, false, true);
    if (bias == null) {
      return y;
    }
    return fused ? FusedBias.add(y, bias) : y.add(bias);
  }

  /** Rows of a parameter: table [K, D], int32 indices [N] -> [N, D]. */
  public SDVariable embedding(SDVariable table, SDVariable indices) {
    return embedding(table, indices, table.getShape()[0]);
  }

  /** Rows of any table, also of one that is computed: table [rows, D], int32 [N] -> [N, D]. */
  public SDVariable embedding(SDVariable table, SDVariable indices, long rows) {
    return NativeOp.of(
            "gather",
            List.of(table, indices),
            new long[] {0},
            (op, g) -> List.of(embeddingGradient(g.get(0), op.arg(1), rows)))
        .output();
  }

  private SDVariable embeddingGradient(SDVariable gradient, SDVariable indices, long rows) {
    if (fused) {
      return new EmbeddingGradient(gradient, indices, rows).output();
    }
    long[] shape = indices.getShape(); // null where they are computed
    if (shape == null || shape[0] == 1) { // the stock operation is wrong for a single index
      indices = graph.concat(0, indices, indices);
      gradient = graph.concat(0, gradient, gradient.mul(0.0));
    }
    return NativeOp.backward("unsorted_segment_sum", List.of(gradient, indices), 1, rows).output();
  }

  /** Index of the smallest element of each row: x [N, K] -> int32 [N]. */
  public SDVariable argMinOfRows(SDVariable x) {
    return graph.castTo(graph.argmin(x, 1), DataType.INT32);
  }

  /** Ones at the indices: int32 [N] -> [N, depth]. */
  public SDVariable oneHot(SDVariable indices, int depth) {
    return graph.oneHot(indices, depth, 1, 1.0, 0.0, type);
  }

  /** Running sums along an axis; the stock operation's gradient is wrong. */
  public SDVariable cumulativeSum(SDVariable x, int axis) {
    return NativeOp.of(
            "cumsum",
            List.of(x),
            new long[] {0, 0, axis},
            (op, g) ->
                List.of(NativeOp.backward("cumsum", List.of(g.get(0)), 1, 0, 1, axis).output()))
        .output();
  }

  // --- losses

  /**
   * Cross-entropy of each row: logits [N, classes], int32 labels [N] -> [N]. The stock operation's
   * gradient has the wrong sign and size.
   */
  public SDVariable crossEntropy(SDVariable logits, SDVariable labels, int classes) {
    if (fused) {
      return FusedCrossEntropy.apply(logits, labels);
    }
    return logSoftmax(logits, 1).mul(oneHot(labels, classes)).sum(false, 1).neg();
  }

  /** Mean squared difference, a scalar. */
  public SDVariable meanSquare(SDVariable a, SDVariable b) {
    return graph.math().square(a.sub(b)).mean();
  }

  /** Mean absolute difference, a scalar. */
  public SDVariable meanAbsolute(SDVariable a, SDVariable b) {
    return graph.math().abs(a.sub(b)).mean();
  }

  // --- shape and flow

  public SDVariable reshape(SDVariable x, long... shape) {
    return graph.reshape(x, shape);
  }

  public SDVariable permute(SDVariable x, int... axes) {
    return graph.permute(x, axes);
  }

  public SDVariable concat(int axis, SDVariable... parts) {
    return graph.concat(axis, parts);
  }

  /** The same values; no gradient flows back. */
  public SDVariable stopGradient(SDVariable x) {
    return new StopGradient(graph, x).outputVariable();
  }
}
