package org.talespark.zoo.graph;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The operations that transformers have besides those of {@link Ops}: for float32 each is one fused
 * operation, for double, and where {@link Ops} does not fuse, it is made of ND4J's own.
 *
 * <p>B batch, T tokens, N = B*T rows, h heads, d elements of a head.
 */
public final class TransformerOps {
  /** What is added to scores of keys that must not be seen; its exponential is exactly zero. */
  private static final double UNSEEN = -1e9;

  /**
   * The same where a row may have no key at all: softmax of doubles, which takes no largest element
   * away from rows below zero, must still find something to divide by.
   */
  private static final double MASKED = -500;

  private final Ops ops;
  private final SameDiff graph;

  /** Adds operations to the graph of {@code ops}. */
  public TransformerOps(Ops ops) {
    this.ops = requireNonNull(ops, "ops");
    this.graph = ops.graph();
  }

  /** gain x / sqrt(mean(x^2) + epsilon) over each row: x [N, D], gain [D] -> [N, D]. */
  public SDVariable rmsNorm(SDVariable x, SDVariable gain, double epsilon) {
    if (ops.fused()) {
      return FusedRmsNorm.apply(x, gain, epsilon);
    }
    SDVariable mean = graph.math().square(x).mean(true, 1);
    long width = gain.getShape()[0];
    return x.div(graph.math().sqrt(mean.add(epsilon))).mul(gain.reshape(1, width));
  }

  /**
   * Normalises rows and gives each element its gain and shift: gain (x - mean) / sqrt(var +
   * epsilon) + shift, x [N, D], gain and shift [D] -> [N, D].
   */
  public SDVariable layerNorm(SDVariable x, SDVariable gain, SDVariable shift, double epsilon) {
    return ops.fused()
        ? FusedLayerNorm.apply(x, gain, shift, 0, epsilon)
        : normalised(x, epsilon).mul(ops.reshape(gain, 1, -1)).add(shift);
  }

  /** (x - mean) / sqrt(var + epsilon) of each row, of ND4J's operations. */
  SDVariable normalised(SDVariable x, double epsilon) {
    SDVariable centred = x.sub(x.mean(true, 1));
    SDVariable variance = graph.math().square(centred).mean(true, 1);
    // not divided: the gradient of a division by a single number is wrong
    return centred.mul(graph.math().sqrt(variance.add(epsilon)).rdiv(1.0));
  }

  /** gate sigmoid(gate) up, all of one shape. */
  public SDVariable swiGlu(SDVariable gate, SDVariable up) {
    return ops.fused() ? FusedSwiGlu.apply(gate, up) : ops.silu(gate).mul(up);
  }

  /** The heads of rows: [B*T, h*d] -> [B, h, T, d]. */
  public SDVariable splitHeads(SDVariable rows, int batch, int tokens, int heads) {
    return ops.fused()
        ? FusedHeads.split(rows, batch, tokens, heads, null)
        : ops.permute(ops.reshape(rows, batch, tokens, heads, -1), 0, 2, 1, 3);
  }

  /** The heads of rows, turned by their positions: [B*T, h*d] -> [B, h, T, d]. */
  public SDVariable splitHeads(SDVariable rows, int batch, int heads, Rotary rotary) {
    int tokens = rotary.tokens();
    if (ops.fused()) {
      return FusedHeads.split(rows, batch, tokens, heads, rotary);
    }
    SDVariable x = splitHeads(rows, batch, tokens, heads);
    int half = rotary.dimension() / 2;
    SDVariable a = graph.slice(x, new int[] {0, 0, 0, 0}, batch, heads, tokens, half);
    SDVariable b = graph.slice(x, new int[] {0, 0, 0, half}, batch, heads, tokens, half);
    SDVariable cos = table(rotary.cosines(), tokens, half);
    SDVariable sin = table(rotary.sines(), tokens, half);
    return ops.concat(3, a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin)));
  }

  private SDVariable table(double[] values, int rows, int columns) {
    INDArray table = Nd4j.createFromArray(values).reshape(1, 1, rows, columns);
    return graph.constant(table.castTo(ops.type()));
  }

  /** Rows of heads: [B, h, T, d] -> [B*T, h*d]. */
  public SDVariable joinHeads(SDVariable x, int batch, int tokens, int heads) {
    return ops.fused()
        ? FusedHeads.join(x, batch, tokens, heads, null)
        : ops.reshape(ops.permute(x, 0, 2, 1, 3), (long) batch * tokens, -1);
  }

  /**
   * Causal attention with grouped queries (Ainslie 2023, arXiv:2305.13245): query [B, h, T, d], key
   * and value [B, k, T, d] -> [B, h, T, d]. Query heads i h/k to (i + 1) h/k - 1 look at key head
   * i; the token at position t sees those from 0 to t.
   *
   * <p>The queries that share a key stand below each other in one taller matrix, so that keys are
   * never repeated.
   */
  public SDVariable causalAttention(
      SDVariable query, SDVariable key, SDVariable value, AttentionShape shape) {
    int batch = shape.batch();
    int tokens = shape.tokens();
    int keyHeads = shape.keyHeads();
    int rows = shape.heads() / keyHeads * tokens;
    SDVariable grouped = ops.reshape(query, batch, keyHeads, rows, shape.dimension());
    SDVariable scores = ops.matmul(grouped, key, false, true); // [B, k, h/k*T, T]
    SDVariable weights = causalSoftmax(scores, 1 / Math.sqrt(shape.dimension()), rows, tokens);
    SDVariable mixed = ops.matmul(weights, value, false, false); // [B, k, h/k*T, d]
    return ops.reshape(mixed, batch, shape.heads(), tokens, shape.dimension());
  }

  /**
   * softmax(scale x) of each row over the keys that it may see: x [B, k, rows, T]; row r stands at
   * position r mod T and sees the keys from 0 to there, all others have weight zero.
   */
  SDVariable causalSoftmax(SDVariable x, double scale, int rows, int tokens) {
    if (ops.fused()) {
      return FusedCausalSoftmax.apply(x, scale);
    }
    double[] mask = new double[rows * tokens];
    for (int r = 0; r < rows; r++) {
      for (int t = r % tokens + 1; t < tokens; t++) {
        mask[r * tokens + t] = UNSEEN;
      }
    }
    return ops.softmax(x.mul(scale).add(table(mask, rows, tokens)), 3);
  }

  /**
   * Which keys count, for every head: mask [B, S] of ones and zeros -> [B, h, 1, S]. One will do
   * for all layers.
   */
  public SDVariable keyMask(SDVariable mask, int batch, int keys, int heads) {
    SDVariable ones = graph.constant(Nd4j.ones(ops.type(), 1, heads, 1, 1));
    return ops.reshape(mask, batch, 1, 1, keys).mul(ones);
  }

  /**
   * Attention of every query to every key that counts (Vaswani 2017, arXiv:1706.03762, Eq. 1):
   * query [B, h, T, d], key and value [B, h, S, d] -> [B, h, T, d]. A query without any key gets
   * zeros.
   *
   * @param mask from {@link #keyMask}, or null where every key counts
   * @param dimension d, by whose root scores are divided
   */
  public SDVariable attention(
      SDVariable query, SDVariable key, SDVariable value, SDVariable mask, int dimension) {
    return ops.matmul(attentionWeights(query, key, mask, dimension), value, false, false);
  }

  /** How much each query of {@link #attention} takes of each key: [B, h, T, S]. */
  public SDVariable attentionWeights(
      SDVariable query, SDVariable key, SDVariable mask, int dimension) {
    SDVariable scores = ops.matmul(query, key, false, true); // [B, h, T, S]
    return maskedSoftmax(scores, mask, 1 / Math.sqrt(dimension));
  }

  /**
   * softmax(scale x) of each row over the keys whose mask is one; all others have weight zero: x
   * [B, h, T, S], mask [B, h, 1, S] or null.
   */
  SDVariable maskedSoftmax(SDVariable x, SDVariable mask, double scale) {
    if (ops.fused()) {
      return FusedSoftmax.apply(x, mask, scale);
    }
    if (mask == null) {
      return ops.softmax(x.mul(scale), 3);
    }
    // the mask has no gradient, and ND4J's gradients of broadcast operands take long
    SDVariable penalty = mask.sub(1.0).mul(-MASKED);
    SDVariable scores =
        NativeOp.of("add", List.of(x.mul(scale), penalty), new long[0], (op, g) -> g).output();
    SDVariable weights = ops.softmax(scores, 3);
    return NativeOp.of( // a row without any key has no weight
            "multiply", List.of(weights, mask), new long[0], (op, g) -> List.of(g.get(0).mul(mask)))
        .output();
  }
}
