package org.talespark.zoo.graph;

import static java.util.Objects.requireNonNull;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * The operations that denoisers have besides those of {@link Ops} and {@link TransformerOps}: for
 * float32 each is one fused operation, for double, and where {@link Ops} does not fuse, it is made
 * of ND4J's own.
 *
 * <p>B batch, C channels, S side of a feature map, T = S*S tokens, D width of a token.
 */
public final class DenoiserOps {
  private final Ops ops;
  private final SameDiff graph;

  /** Adds operations to the graph of {@code ops}. */
  public DenoiserOps(Ops ops) {
    this.ops = requireNonNull(ops, "ops");
    this.graph = ops.graph();
  }

  // --- feature maps

  /** The positions of feature maps as rows: [B, C, S, S] -> [B*S*S, C]. */
  public SDVariable tokens(SDVariable x, int batch, int channels, int side) {
    long[] map = {batch, channels, side, side};
    long[] rows = {(long) batch * side * side, channels};
    return ops.fused()
        ? FusedTranspose.apply(x, map, rows, channels, side * side)
        : ops.reshape(ops.permute(x, 0, 2, 3, 1), rows);
  }

  /** Rows as feature maps: [B*S*S, C] -> [B, C, S, S]. */
  public SDVariable featureMap(SDVariable rows, int batch, int channels, int side) {
    long[] from = {(long) batch * side * side, channels};
    long[] map = {batch, channels, side, side};
    return ops.fused()
        ? FusedTranspose.apply(rows, from, map, side * side, channels)
        : ops.permute(ops.reshape(rows, batch, side, side, channels), 0, 3, 1, 2);
  }

  /** A number for each channel of each sample: x [B, C, H, W], v [B, C] -> x + v. */
  public SDVariable addToPlanes(SDVariable x, SDVariable v, int batch, int channels) {
    return ops.fused() ? FusedPlanes.add(x, v) : x.add(ops.reshape(v, batch, channels, 1, 1));
  }

  /**
   * Group normalisation modulated sample by sample (Dhariwal and Nichol 2021, arXiv:2105.05233),
   * followed by SiLU: silu((1 + scale) norm(x) + shift), norm with gamma and beta [C].
   *
   * @param x [B, C, H, W]
   * @param scale [B, C]
   * @param shift [B, C]
   */
  public SDVariable modulatedGroupNormSilu(
      SDVariable x,
      SDVariable gamma,
      SDVariable beta,
      SDVariable scale,
      SDVariable shift,
      int groups,
      double epsilon) {
    long channels = gamma.getShape()[0];
    SDVariable factor = scale.add(1.0); // [B, C]
    if (ops.fused()) {
      SDVariable gain = factor.mul(ops.reshape(gamma, 1, channels));
      SDVariable offset = factor.mul(ops.reshape(beta, 1, channels)).add(shift);
      return FusedGroupNorm.apply(x, gain, offset, groups, epsilon, true);
    }
    SDVariable normal = ops.groupNorm(x, gamma, beta, groups, epsilon);
    return ops.silu(
        normal
            .mul(ops.reshape(factor, -1, channels, 1, 1))
            .add(ops.reshape(shift, -1, channels, 1, 1)));
  }

  /** The upper left part: [B, C, S', S'] -> [B, C, S, S], S' at least S. */
  public SDVariable crop(SDVariable x, int batch, int channels, int side) {
    return graph.slice(x, new int[] {0, 0, 0, 0}, batch, channels, side, side);
  }

  // --- rows of tokens

  /** value gate Phi(gate): values and, behind them, their gates [N, 2F] -> [N, F]. */
  public SDVariable geGlu(SDVariable x, int rows, int width) {
    if (ops.fused()) {
      return FusedGeGlu.apply(x);
    }
    SDVariable[] parts = chunks(x, rows, width, 2);
    return parts[0].mul(ops.gelu(parts[1]));
  }

  /** Rows cut into equal parts: [N, kD] -> k times [N, D]. */
  public SDVariable[] chunks(SDVariable x, int rows, int width, int count) {
    if (ops.fused()) {
      return FusedChunks.apply(x, count);
    }
    SDVariable[] parts = new SDVariable[count];
    for (int i = 0; i < count; i++) {
      parts[i] = graph.slice(x, new int[] {0, i * width}, rows, width);
    }
    return parts;
  }

  /**
   * Adaptive layer normalisation (Peebles 2023, arXiv:2212.09748): (1 + scale) (x - mean) /
   * sqrt(var + epsilon) + shift, x [B*T, D], scale and shift [B, D] of the row's sample -> [B*T,
   * D].
   */
  public SDVariable modulatedLayerNorm(
      SDVariable x, SDVariable scale, SDVariable shift, int batch, int tokens, double epsilon) {
    if (ops.fused()) {
      return FusedLayerNorm.apply(x, scale, shift, 1, epsilon);
    }
    SDVariable normal = new TransformerOps(ops).normalised(x, epsilon);
    SDVariable y =
        ops.reshape(normal, batch, tokens, -1)
            .mul(ops.reshape(scale, batch, 1, -1).add(1.0))
            .add(ops.reshape(shift, batch, 1, -1));
    return ops.reshape(y, (long) batch * tokens, -1);
  }

  /** x + gate branch: x and branch [B*T, D], gate [B, D] of the row's sample -> [B*T, D]. */
  public SDVariable gated(SDVariable x, SDVariable branch, SDVariable gate, int batch, int tokens) {
    if (ops.fused()) {
      return FusedGate.apply(x, branch, gate);
    }
    SDVariable weighted =
        ops.reshape(branch, batch, tokens, -1).mul(ops.reshape(gate, batch, 1, -1));
    return x.add(ops.reshape(weighted, (long) batch * tokens, -1));
  }
}
