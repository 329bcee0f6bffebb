package org.talespark.zoo.diffusion;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.DenoiserOps;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.TransformerOps;
import org.talespark.zoo.nn.Layers;

/**
 * The U-Net of latent diffusion (Ho 2020, arXiv:2006.11239; Rombach 2022, arXiv:2112.10752) with
 * the layout, parameter names and shapes of diffusers' {@code UNet2DConditionModel}, so that an
 * export is a copy.
 *
 * <p>B batch, C channels of a level, S side, T = S*S, F time features, E = 4F, h heads, d elements
 * of a head, I = h*d, N tokens of the text, D their width.
 *
 * <pre>
 *   time: linear -> SiLU -> linear -> [B, E], with SiLU into every residual block
 *   text: its pooled vector, where there is one: linear -> SiLU -> linear -> [B, E], added to the
 *         time (diffusers' class embedding of type projection)
 *   down: conv 3x3 -> per level: (residual [, transformer]) layers_per_block times,
 *         then conv 3x3/2 (not in the last); each result is kept
 *   mid:  residual, transformer, residual
 *   up:   per level: (join with what was kept last, residual [, transformer]) once more than down,
 *         then nearest upsampling by two and conv 3x3 (not in the last)
 *   out:  norm, SiLU, conv 3x3
 *
 *   residual:    x + conv(SiLU(norm(conv(SiLU(norm(x))) + linear(time)))), or with scale_shift
 *                x + conv(SiLU((1 + scale) norm(conv(SiLU(norm(x)))) + shift)), both linear(time)
 *   transformer: norm, 1x1 to I, tokens -> x + self(norm(x)), x + cross(norm(x), text),
 *                x + GEGLU(norm(x)) -> 1x1 to C, plus what came in
 * </pre>
 *
 * <p>Where a level joins, widths add up: the first residual of {@code up_blocks.i} reads what comes
 * from below and what the same level kept. A side that is odd is halved upwards, and its twin on
 * the way up cut to it, as diffusers does. Without text the transformer has no cross-attention, and
 * its names are those that diffusers gives without {@code cross_attention_dim}.
 *
 * <p>The last convolution of each residual block and of the whole, and the last projection of each
 * transformer, begin as zero, as in both papers' code: every block begins as the identity and the
 * prediction as zero, the mean of what is to be predicted. So does what the pooled text adds.
 * Diffusers, made for weights that are loaded, leaves PyTorch's initial values there.
 */
public final class UNet2DCondition {
  static final double RESIDUAL_EPSILON = 1e-5;
  private static final double TOKEN_EPSILON = 1e-5;

  /** How the time, with the pooled text, enters a residual block. */
  public enum TimeScaleShift {
    /** Added to each channel. */
    DEFAULT,
    /** Scales and shifts the second norm (Dhariwal and Nichol 2021, arXiv:2105.05233). */
    SCALE_SHIFT
  }

  /**
   * Its size.
   *
   * @param channels of the sample, in and out
   * @param blockOutChannels channels of each level, highest resolution first
   * @param layersPerBlock residual blocks a level on the way down; one more on the way up
   * @param attention for each level whether a transformer follows each residual block; there is
   *     always one in the middle
   * @param numAttentionHeads h
   * @param attentionHeadDim d, or 0 for C/h, as in diffusers' configurations: only then (or where h
   *     d is C anyway) does its loader know the shapes
   * @param normNumGroups groups of each group normalisation
   * @param contextDimension D, or 0 without text
   * @param resnetTimeScaleShift null for {@link TimeScaleShift#DEFAULT}
   */
  public record Config(
      int channels,
      List<Integer> blockOutChannels,
      int layersPerBlock,
      List<Boolean> attention,
      int numAttentionHeads,
      int attentionHeadDim,
      int normNumGroups,
      int contextDimension,
      TimeScaleShift resnetTimeScaleShift)
      implements DenoiserConfig {
    public Config {
      resnetTimeScaleShift =
          Objects.requireNonNullElse(resnetTimeScaleShift, TimeScaleShift.DEFAULT);
      blockOutChannels = List.copyOf(blockOutChannels);
      attention = List.copyOf(attention);
      check(channels >= 1, "channels", channels, "at least 1");
      check(!blockOutChannels.isEmpty(), "block_out_channels", blockOutChannels, "a level");
      check(layersPerBlock >= 1, "layers_per_block", layersPerBlock, "at least 1");
      check(
          attention.size() == blockOutChannels.size(),
          "attention",
          attention,
          "true or false for each of block_out_channels=" + blockOutChannels);
      check(numAttentionHeads >= 1, "num_attention_heads", numAttentionHeads, "at least 1");
      check(attentionHeadDim >= 0, "attention_head_dim", attentionHeadDim, "0 or more");
      check(contextDimension >= 0, "context_dimension", contextDimension, "0 or more");
      check(
          blockOutChannels.get(0) % 2 == 0,
          "block_out_channels",
          blockOutChannels,
          "an even first, for its cosines and sines of the time");
      for (int level = 0; level < blockOutChannels.size(); level++) {
        int width = blockOutChannels.get(level);
        check(
            normNumGroups >= 1 && width >= 1 && width % normNumGroups == 0,
            "norm_num_groups",
            normNumGroups,
            "a divisor of block_out_channels=" + blockOutChannels);
        boolean heads = attention.get(level) || level == blockOutChannels.size() - 1;
        check(
            attentionHeadDim > 0 || !heads || width % numAttentionHeads == 0,
            "num_attention_heads",
            numAttentionHeads,
            "a divisor of block_out_channels=%s where attention_head_dim is 0"
                .formatted(blockOutChannels));
      }
    }

    /** With the time added to each channel. */
    public Config(
        int channels,
        List<Integer> blockOutChannels,
        int layersPerBlock,
        List<Boolean> attention,
        int numAttentionHeads,
        int attentionHeadDim,
        int normNumGroups,
        int contextDimension) {
      this(
          channels,
          blockOutChannels,
          layersPerBlock,
          attention,
          numAttentionHeads,
          attentionHeadDim,
          normNumGroups,
          contextDimension,
          TimeScaleShift.DEFAULT);
    }

    /**
     * Two residual blocks a level, attention from the second level down, 8 heads of 64, groups of
     * 32.
     */
    public static Config standard(
        int channels, List<Integer> blockOutChannels, int contextDimension) {
      List<Boolean> attention =
          IntStream.range(0, blockOutChannels.size()).mapToObj(level -> level > 0).toList();
      return new Config(channels, blockOutChannels, 2, attention, 8, 64, 32, contextDimension);
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure U-Net: %s=%s, expected %s".formatted(key, value, rule));
      }
    }

    @Override
    public int timeFeatures() {
      return blockOutChannels.get(0);
    }

    /** d, elements of a head in a level of this width. */
    public int headDimension(int width) {
      return attentionHeadDim > 0 ? attentionHeadDim : width / numAttentionHeads;
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
      return new UNet2DCondition(this, layers, context, batch).build(sample, timeFeatures, side);
    }
  }

  /** What a level keeps for the way up. */
  private record Kept(SDVariable x, int channels) {}

  private final Config config;
  private final Layers layers;
  private final Ops ops;
  private final TransformerOps transformerOps;
  private final DenoiserOps denoiserOps;
  private final DenoiserConfig.Context context;
  private final SDVariable textMask; // [B, h, 1, N], or null without text
  private final int batch;
  private final Deque<Kept> kept = new ArrayDeque<>();
  private SDVariable time; // [B, E], behind SiLU

  private UNet2DCondition(Config config, Layers layers, DenoiserConfig.Context context, int batch) {
    this.config = config;
    this.layers = layers;
    this.ops = layers.ops();
    this.transformerOps = new TransformerOps(ops);
    this.denoiserOps = new DenoiserOps(ops);
    this.context = context;
    this.batch = batch;
    this.textMask =
        context == null
            ? null
            : transformerOps.keyMask(
                context.mask(), batch, context.tokens(), config.numAttentionHeads());
  }

  private SDVariable build(SDVariable sample, SDVariable timeFeatures, int side) {
    List<Integer> widths = config.blockOutChannels();
    int last = widths.size() - 1;
    int[] sides = new int[widths.size()];
    sides[0] = side;
    for (int level = 1; level <= last; level++) {
      sides[level] = (sides[level - 1] + 1) / 2;
    }
    time = embed(timeFeatures);
    SDVariable h = layers.conv("conv_in", sample, config.channels(), widths.get(0), 3, 1, 1);
    kept.push(new Kept(h, widths.get(0)));
    for (int level = 0; level <= last; level++) {
      h = down(level, h, sides[level]);
    }
    int width = widths.get(last);
    h = residual("mid_block.resnets.0", h, width, width);
    h = transformer("mid_block.attentions.0", h, width, sides[last]);
    h = residual("mid_block.resnets.1", h, width, width);
    for (int i = 0; i <= last; i++) {
      int level = last - i;
      int below = widths.get(Math.min(level + 1, last));
      h = up(i, level, h, below, sides[level]);
      if (level > 0) {
        String name = "up_blocks.%d.upsamplers.0.conv".formatted(i);
        int out = widths.get(level);
        h = layers.conv(name, upsampled(h, out, sides[level - 1]), out, out, 3, 1, 1);
      }
    }
    h =
        layers.groupNormSilu(
            "conv_norm_out", h, widths.get(0), config.normNumGroups(), RESIDUAL_EPSILON);
    return layers.zeroConv("conv_out", h, widths.get(0), config.channels(), 3, 1, 1);
  }

  /** [B, F] -> [B, E], with the pooled text. */
  private SDVariable embed(SDVariable features) {
    int width = 4 * config.timeFeatures();
    SDVariable h = layers.linear("time_embedding.linear_1", features, config.timeFeatures(), width);
    SDVariable t = layers.linear("time_embedding.linear_2", ops.silu(h), width, width);
    if (context != null && context.pooled() != null) {
      t = t.add(context.embedded(layers, config.contextDimension(), width));
    }
    return ops.silu(t);
  }

  private SDVariable down(int level, SDVariable x, int side) {
    List<Integer> widths = config.blockOutChannels();
    int out = widths.get(level);
    String block = "down_blocks.%d.".formatted(level);
    SDVariable h = x;
    for (int i = 0; i < config.layersPerBlock(); i++) {
      int in = i == 0 ? widths.get(Math.max(0, level - 1)) : out;
      h = residual(block + "resnets." + i, h, in, out);
      if (config.attention().get(level)) {
        h = transformer(block + "attentions." + i, h, out, side);
      }
      kept.push(new Kept(h, out));
    }
    if (level < widths.size() - 1) {
      h = layers.conv(block + "downsamplers.0.conv", h, out, out, 3, 2, 1);
      kept.push(new Kept(h, out));
    }
    return h;
  }

  /** {@code below} is the width of what comes from the level below, or from the middle. */
  private SDVariable up(int number, int level, SDVariable x, int below, int side) {
    int out = config.blockOutChannels().get(level);
    String block = "up_blocks.%d.".formatted(number);
    SDVariable h = x;
    for (int i = 0; i <= config.layersPerBlock(); i++) {
      Kept skip = kept.pop();
      int in = (i == 0 ? below : out) + skip.channels();
      h = residual(block + "resnets." + i, ops.concat(1, h, skip.x()), in, out);
      if (config.attention().get(level)) {
        h = transformer(block + "attentions." + i, h, out, side);
      }
    }
    return h;
  }

  private SDVariable upsampled(SDVariable x, int channels, int side) {
    SDVariable twice = ops.upsample(x);
    return side % 2 == 0 ? twice : denoiserOps.crop(twice, batch, channels, side);
  }

  /** [B, in, S, S] -> [B, out, S, S]. */
  private SDVariable residual(String name, SDVariable x, int in, int out) {
    int groups = config.normNumGroups();
    SDVariable h = layers.groupNormSilu(name + ".norm1", x, in, groups, RESIDUAL_EPSILON);
    h = layers.conv(name + ".conv1", h, in, out, 3, 1, 1);
    h = timed(name, h, out);
    h = layers.zeroConv(name + ".conv2", h, out, out, 3, 1, 1);
    return h.add(in == out ? x : layers.conv(name + ".conv_shortcut", x, in, out, 1, 1, 0));
  }

  /** The second norm with the time: [B, out, S, S] -> [B, out, S, S]. */
  private SDVariable timed(String name, SDVariable h, int out) {
    boolean scales = config.resnetTimeScaleShift() == TimeScaleShift.SCALE_SHIFT;
    int width = scales ? 2 * out : out;
    SDVariable t =
        layers.linear(name + ".time_emb_proj", time, 4 * config.timeFeatures(), width); // [B, out]
    int groups = config.normNumGroups();
    if (!scales) {
      SDVariable sum = denoiserOps.addToPlanes(h, t, batch, out);
      return layers.groupNormSilu(name + ".norm2", sum, out, groups, RESIDUAL_EPSILON);
    }
    SDVariable[] parts = denoiserOps.chunks(t, batch, out, 2); // scale, shift
    return denoiserOps.modulatedGroupNormSilu(
        h,
        layers.gain(name + ".norm2", out),
        layers.shift(name + ".norm2", out),
        parts[0],
        parts[1],
        groups,
        RESIDUAL_EPSILON);
  }

  /** [B, C, S, S] -> [B, C, S, S]. */
  private SDVariable transformer(String name, SDVariable x, int channels, int side) {
    int tokens = side * side;
    int inner = config.numAttentionHeads() * config.headDimension(channels);
    SDVariable h = layers.groupNorm(name + ".norm", x, channels, config.normNumGroups());
    h = denoiserOps.tokens(h, batch, channels, side); // [B*T, C]
    double bound = 1 / Math.sqrt(channels);
    SDVariable in = layers.uniform(name + ".proj_in.weight", bound, inner, channels, 1, 1);
    SDVariable inBias = layers.uniform(name + ".proj_in.bias", bound, inner);
    h = ops.linear(h, ops.reshape(in, inner, channels), inBias); // [B*T, I]

    String block = name + ".transformer_blocks.0.";
    SDVariable u = layers.layerNorm(block + "norm1", h, inner, TOKEN_EPSILON);
    h = h.add(attention(block + "attn1.", u, u, inner, inner, tokens, tokens, null));
    if (context != null) {
      u = layers.layerNorm(block + "norm2", h, inner, TOKEN_EPSILON);
      int width = config.contextDimension();
      SDVariable text = context.rows();
      h =
          h.add(
              attention(
                  block + "attn2.", u, text, inner, width, tokens, context.tokens(), textMask));
    }
    u = layers.layerNorm(block + "norm3", h, inner, TOKEN_EPSILON);
    h = h.add(feedForward(block + "ff.net.", u, inner, batch * tokens));

    SDVariable out = layers.zeros(name + ".proj_out.weight", channels, inner, 1, 1);
    SDVariable outBias = layers.zeros(name + ".proj_out.bias", channels);
    h = ops.linear(h, ops.reshape(out, channels, inner), outBias); // [B*T, C]
    return x.add(denoiserOps.featureMap(h, batch, channels, side));
  }

  /** Queries from rows [B*T, I], keys and values from source [B*K, width] -> [B*T, I]. */
  private SDVariable attention(
      String name,
      SDVariable rows,
      SDVariable source,
      int inner,
      int width,
      int tokens,
      int keys,
      SDVariable mask) {
    int heads = config.numAttentionHeads();
    SDVariable query = layers.projection(name + "to_q", rows, inner, inner);
    SDVariable key = layers.projection(name + "to_k", source, width, inner);
    SDVariable value = layers.projection(name + "to_v", source, width, inner);
    SDVariable mixed =
        transformerOps.attention(
            transformerOps.splitHeads(query, batch, tokens, heads), // [B, h, T, d]
            transformerOps.splitHeads(key, batch, keys, heads), // [B, h, K, d]
            transformerOps.splitHeads(value, batch, keys, heads),
            mask,
            inner / heads);
    SDVariable joined = transformerOps.joinHeads(mixed, batch, tokens, heads); // [B*T, I]
    return layers.linear(name + "to_out.0", joined, inner, inner);
  }

  /** GEGLU of width 4I: [B*T, I] -> [B*T, I]. */
  private SDVariable feedForward(String name, SDVariable x, int inner, int rows) {
    SDVariable h = layers.linear(name + "0.proj", x, inner, 8 * inner); // values and gates
    return layers.linear(name + "2", denoiserOps.geGlu(h, rows, 4 * inner), 4 * inner, inner);
  }
}
