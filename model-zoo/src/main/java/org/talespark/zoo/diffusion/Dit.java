package org.talespark.zoo.diffusion;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.DenoiserOps;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.TransformerOps;
import org.talespark.zoo.nn.Layers;

/**
 * The diffusion transformer with adaLN-Zero blocks (Peebles 2023, arXiv:2212.09748), and
 * cross-attention to a text between self-attention and feed-forward, as Rombach 2022
 * (arXiv:2112.10752) places it. Its parts have the names that diffusers gives such parts.
 *
 * <p>B batch, C channels, S side, p patch_size, g = S/p, T = g*g tokens, D hidden_size, h heads, d
 * = D/h, F = 256 time features, N tokens of the text, W their width.
 *
 * <pre>
 *   x [B, C, S, S] -> convolution p x p, stride p -> [B*T, D], plus positions
 *   c = linear(SiLU(linear(time))) [B, D], plus the same of the pooled text, where there is one
 *   block, depth times:
 *     shift1, scale1, gate1, shift2, scale2, gate2 = linear(SiLU(c))     each [B, D]
 *     x = x + gate1 self((1 + scale1) norm(x) + shift1)
 *     x = x + cross(norm(x), text)                                       only with a text
 *     x = x + gate2 mlp((1 + scale2) norm(x) + shift2)                   GELU, width 4D
 *   shift, scale = linear(SiLU(c))
 *   linear((1 + scale) norm(x) + shift) -> [B*T, p*p*C] -> [B, C, S, S]
 * </pre>
 *
 * <p>Modulations, the output of cross-attention, what the pooled text adds and the last layer begin
 * as zero: each block begins as the identity and the prediction as zero. Other weights are Xavier
 * uniform and their biases zero, those of the time normal with deviation 0.02, as in the paper's
 * code. Positions are fixed sines and cosines of column and row.
 *
 * <p>Deviation: GELU is the one with the error function, not its approximation by tanh.
 */
public final class Dit {
  /** F. */
  static final int TIME_FEATURES = 256;

  private static final double EPSILON = 1e-6;
  private static final double TIME_DEVIATION = 0.02;
  private static final double LONGEST_WAVE = 10000;

  /**
   * Its size.
   *
   * @param channels of the sample, in and out
   * @param patchSize p
   * @param hiddenSize D
   * @param depth blocks
   * @param numHeads h
   * @param contextDimension W, or 0 without text
   */
  public record Config(
      int channels, int patchSize, int hiddenSize, int depth, int numHeads, int contextDimension)
      implements DenoiserConfig {
    public Config {
      check(channels >= 1, "channels", channels, "at least 1");
      check(patchSize >= 1, "patch_size", patchSize, "at least 1");
      check(depth >= 1, "depth", depth, "at least 1");
      check(numHeads >= 1, "num_heads", numHeads, "at least 1");
      check(
          hiddenSize >= 4 && hiddenSize % 4 == 0 && hiddenSize % numHeads == 0,
          "hidden_size",
          hiddenSize,
          "a multiple of 4 and of num_heads=" + numHeads);
      check(contextDimension >= 0, "context_dimension", contextDimension, "0 or more");
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure DiT: %s=%s, expected %s".formatted(key, value, rule));
      }
    }

    @Override
    public int timeFeatures() {
      return TIME_FEATURES;
    }

    @Override
    public SDVariable build(
        Layers layers,
        SDVariable sample,
        SDVariable timeFeatures,
        Context context,
        int batch,
        int side) {
      DenoiserConfig.check(this, context);
      check(
          side % patchSize == 0, "patch_size", patchSize, "a divisor of the sample's side=" + side);
      return new Dit(this, layers, context, batch, side / patchSize).build(sample, timeFeatures);
    }
  }

  private final Config config;
  private final Layers layers;
  private final Ops ops;
  private final TransformerOps transformerOps;
  private final DenoiserOps denoiserOps;
  private final DenoiserConfig.Context context;
  private final SDVariable textMask; // [B, h, 1, N], or null without text
  private final int batch;
  private final int grid; // g
  private final int tokens; // T

  private Dit(Config config, Layers layers, DenoiserConfig.Context context, int batch, int grid) {
    this.config = config;
    this.layers = layers;
    this.ops = layers.ops();
    this.transformerOps = new TransformerOps(ops);
    this.denoiserOps = new DenoiserOps(ops);
    this.context = context;
    this.batch = batch;
    this.grid = grid;
    this.tokens = grid * grid;
    this.textMask =
        context == null
            ? null
            : transformerOps.keyMask(context.mask(), batch, context.tokens(), config.numHeads());
  }

  private SDVariable build(SDVariable sample, SDVariable timeFeatures) {
    int width = config.hiddenSize();
    SDVariable condition = ops.silu(condition(timeFeatures)); // [B, D]
    SDVariable x = embedPatches(sample); // [B*T, D]
    for (int i = 0; i < config.depth(); i++) {
      x = block("transformer_blocks.%d.".formatted(i), x, condition);
    }
    SDVariable[] last = modulation("norm_out.linear", condition, 2);
    x = denoiserOps.modulatedLayerNorm(x, last[1], last[0], batch, tokens, EPSILON);
    int p = config.patchSize();
    return unpatchify(layers.zeroLinear("proj_out", x, width, p * p * config.channels()));
  }

  /** [B, F] -> [B, D], with the pooled text. */
  private SDVariable condition(SDVariable features) {
    int width = config.hiddenSize();
    SDVariable h = timeLinear("time_embedding.linear_1", features, TIME_FEATURES);
    SDVariable c = timeLinear("time_embedding.linear_2", ops.silu(h), width);
    return context == null || context.pooled() == null
        ? c
        : c.add(context.embedded(layers, config.contextDimension(), width));
  }

  private SDVariable timeLinear(String name, SDVariable x, int in) {
    return layers.normalLinear(name, x, TIME_DEVIATION, in, config.hiddenSize());
  }

  /** [B, C, S, S] -> [B*T, D], row by row of the grid. */
  private SDVariable embedPatches(SDVariable sample) {
    int p = config.patchSize();
    int in = config.channels();
    int width = config.hiddenSize();
    double bound = Math.sqrt(6.0 / (in * p * p + width));
    SDVariable weight = layers.uniform("pos_embed.proj.weight", bound, width, in, p, p);
    SDVariable bias = layers.zeros("pos_embed.proj.bias", width);
    SDVariable patches = ops.conv2d(sample, weight, bias, p, 0); // [B, D, g, g]
    INDArray positions = Nd4j.tile(positions(grid, width), batch, 1);
    return denoiserOps
        .tokens(patches, batch, width, grid)
        .add(ops.graph().constant(positions.castTo(ops.type())));
  }

  /**
   * Positions of a grid, [g*g, D]: the first half tells the column, the second the row; of each,
   * the first half are sines and the second cosines, at frequencies 10000^(-4i/D).
   */
  static INDArray positions(int grid, int width) {
    int quarter = width / 4;
    double[][] rows = new double[grid * grid][width];
    for (int token = 0; token < rows.length; token++) {
      int[] place = {token % grid, token / grid};
      for (int axis = 0; axis < 2; axis++) {
        for (int i = 0; i < quarter; i++) {
          double angle = place[axis] * StrictMath.pow(LONGEST_WAVE, -(double) i / quarter);
          rows[token][axis * 2 * quarter + i] = StrictMath.sin(angle);
          rows[token][(axis * 2 + 1) * quarter + i] = StrictMath.cos(angle);
        }
      }
    }
    return Nd4j.createFromArray(rows);
  }

  private SDVariable block(String name, SDVariable x, SDVariable condition) {
    SDVariable[] m = modulation(name + "norm1.linear", condition, 6);
    SDVariable u = denoiserOps.modulatedLayerNorm(x, m[1], m[0], batch, tokens, EPSILON);
    SDVariable h = denoiserOps.gated(x, self(name + "attn1.", u), m[2], batch, tokens);
    if (context != null) {
      u = layers.layerNorm(name + "norm2", h, config.hiddenSize(), EPSILON);
      h = h.add(cross(name + "attn2.", u));
    }
    u = denoiserOps.modulatedLayerNorm(h, m[4], m[3], batch, tokens, EPSILON);
    return denoiserOps.gated(h, feedForward(name + "ff.net.", u), m[5], batch, tokens);
  }

  /** {@code count} vectors for each sample from its condition: [B, D] -> each [B, D]. */
  private SDVariable[] modulation(String name, SDVariable condition, int count) {
    int width = config.hiddenSize();
    SDVariable all = layers.zeroLinear(name, condition, width, count * width);
    return denoiserOps.chunks(all, batch, width, count);
  }

  private SDVariable self(String name, SDVariable x) {
    int width = config.hiddenSize();
    SDVariable mixed =
        attention(
            linear(name + "to_q", x, width, width),
            linear(name + "to_k", x, width, width),
            linear(name + "to_v", x, width, width),
            tokens,
            null);
    return linear(name + "to_out.0", mixed, width, width);
  }

  private SDVariable cross(String name, SDVariable x) {
    int width = config.hiddenSize();
    int in = config.contextDimension();
    SDVariable mixed =
        attention(
            projection(name + "to_q", x, width),
            projection(name + "to_k", context.rows(), in),
            projection(name + "to_v", context.rows(), in),
            context.tokens(),
            textMask);
    return layers.zeroLinear(name + "to_out.0", mixed, width, width);
  }

  /** Queries [B*T, D], keys and values [B*K, D] -> [B*T, D]. */
  private SDVariable attention(
      SDVariable query, SDVariable key, SDVariable value, int keys, SDVariable mask) {
    int heads = config.numHeads();
    SDVariable mixed =
        transformerOps.attention(
            transformerOps.splitHeads(query, batch, tokens, heads), // [B, h, T, d]
            transformerOps.splitHeads(key, batch, keys, heads), // [B, h, K, d]
            transformerOps.splitHeads(value, batch, keys, heads),
            mask,
            config.hiddenSize() / heads);
    return transformerOps.joinHeads(mixed, batch, tokens, heads);
  }

  private SDVariable feedForward(String name, SDVariable x) {
    int width = config.hiddenSize();
    SDVariable h = ops.gelu(linear(name + "0.proj", x, width, 4 * width));
    return linear(name + "2", h, 4 * width, width);
  }

  private SDVariable linear(String name, SDVariable x, int in, int out) {
    return layers.linear(name, x, xavier(name, in, out), layers.zeros(name + ".bias", out));
  }

  private SDVariable projection(String name, SDVariable x, int in) {
    return layers.linear(name, x, xavier(name, in, config.hiddenSize()), null);
  }

  private SDVariable xavier(String name, int in, int out) {
    return layers.uniform(name + ".weight", Math.sqrt(6.0 / (in + out)), out, in);
  }

  /** [B*T, p*p*C] -> [B, C, S, S]: a token's elements are rows, then columns, then channels. */
  private SDVariable unpatchify(SDVariable x) {
    int p = config.patchSize();
    int side = grid * p;
    int channels = config.channels();
    SDVariable patches = ops.reshape(x, batch, grid, grid, p, p, channels);
    SDVariable sorted = ops.permute(patches, 0, 5, 1, 3, 2, 4); // [B, C, g, p, g, p]
    return ops.reshape(sorted, batch, channels, side, side);
  }
}
