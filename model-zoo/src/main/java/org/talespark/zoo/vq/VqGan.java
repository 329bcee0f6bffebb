package org.talespark.zoo.vq;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * The VQ-GAN autoencoder (Esser 2021, arXiv:2012.09841) with the layout and parameter names of
 * diffusers' {@code VQModel}: residual blocks with group norm and SiLU, attention at the lowest
 * resolution, strided convolutions down, nearest-neighbour upsampling and a convolution up.
 *
 * <p>B batch, H W height and width, C channels of a level, h = H / 2^(levels - 1), D dimension of a
 * code.
 *
 * <pre>
 *   encoder: conv 3x3 -> per level: residual blocks, then conv 3x3/2 (not in the last)
 *            -> residual, attention, residual -> norm, SiLU, conv 3x3 -> conv 1x1 -> [B, D, h, w]
 *   decoder: conv 1x1 -> conv 3x3 -> residual, attention, residual
 *            -> per level: residual blocks (one more), then upsample, conv 3x3 (not in the last)
 *            -> norm, SiLU, conv 3x3 -> [B, 3, H, W]
 * </pre>
 */
public final class VqGan {

  /**
   * Its size.
   *
   * @param blockOutChannels channels of each level, highest resolution first
   * @param layersPerBlock residual blocks a level in the encoder; the decoder has one more
   * @param latentChannels channels between encoder and quantizer
   * @param normNumGroups groups of each normalisation
   * @param midBlockAddAttention attention at the lowest resolution
   */
  public record Config(
      List<Integer> blockOutChannels,
      int layersPerBlock,
      int latentChannels,
      int normNumGroups,
      boolean midBlockAddAttention,
      VectorQuantizer.Config quantizer)
      implements VqModelConfig {
    public Config {
      blockOutChannels = List.copyOf(blockOutChannels);
      if (blockOutChannels.isEmpty() || layersPerBlock < 1 || latentChannels < 1) {
        throw new IllegalArgumentException(
            "Cannot configure VQ-GAN: block_out_channels=%s layers_per_block=%d latent_channels=%d, expected one level and one of each at least"
                .formatted(blockOutChannels, layersPerBlock, latentChannels));
      }
      for (int channels : blockOutChannels) {
        if (normNumGroups < 1 || channels % normNumGroups != 0) {
          throw new IllegalArgumentException(
              "Cannot configure VQ-GAN: norm_num_groups=%d, expected a divisor of block_out_channels=%s"
                  .formatted(normNumGroups, blockOutChannels));
        }
      }
    }

    @Override
    public int downsampling() {
      return 1 << (blockOutChannels.size() - 1);
    }

    @Override
    public String lastLayer() {
      return "decoder.conv_out.weight";
    }

    @Override
    public String codebook() {
      return "quantize.embedding.weight";
    }

    @Override
    public VqModel build(Layers layers, int batch, int size) {
      return new VqGan(this, layers).build(batch, size);
    }

    @Override
    public SDVariable decode(Layers layers, SDVariable grid, int batch, int side) {
      return new VqGan(this, layers).decode(grid, batch, side)[1];
    }
  }

  private final Config config;
  private final Layers layers;
  private final Ops ops;

  private VqGan(Config config, Layers layers) {
    this.config = config;
    this.layers = layers;
    this.ops = layers.ops();
  }

  private VqModel build(int batch, int size) {
    int side = Grids.side(size, config);
    int dimension = config.quantizer().dimension();
    SDVariable x = ops.input(VqModel.PICTURES, batch, 3, size, size);
    SDVariable z = encode(x, batch, side); // [B, D, h, w]
    SDVariable codebook = VectorQuantizer.codebook(layers, config.quantizer(), config.codebook());
    VectorQuantizer.Outputs quantizer =
        VectorQuantizer.quantize(
            ops, config.quantizer(), Grids.toVectors(ops, z, batch, side, dimension), codebook);
    SDVariable[] decoded =
        decode(Grids.toGrid(ops, quantizer.quantized(), batch, side, dimension), batch, side);
    return new VqModel(x, quantizer, decoded[0], decoded[1]);
  }

  private SDVariable encode(SDVariable x, int batch, int side) {
    List<Integer> channels = config.blockOutChannels();
    int levels = channels.size();
    int in = channels.get(0);
    SDVariable h = layers.conv("encoder.conv_in", x, 3, in, 3, 1, 1);
    for (int level = 0; level < levels; level++) {
      String block = "encoder.down_blocks.%d".formatted(level);
      int out = channels.get(level);
      for (int i = 0; i < config.layersPerBlock(); i++) {
        h = residual("%s.resnets.%d".formatted(block, i), h, i == 0 ? in : out, out);
      }
      if (level < levels - 1) {
        h = layers.conv(block + ".downsamplers.0.conv", ops.padBottomRight(h), out, out, 3, 2, 0);
      }
      in = out;
    }
    h = middle("encoder.mid_block", h, in, batch, side);
    h = layers.groupNormSilu("encoder.conv_norm_out", h, in, config.normNumGroups());
    h = layers.conv("encoder.conv_out", h, in, config.latentChannels(), 3, 1, 1);
    return layers.conv(
        "quant_conv", h, config.latentChannels(), config.quantizer().dimension(), 1, 1, 0);
  }

  /** q [B, D, h, w] -> what the last layer reads [B, C, H, W], and the picture [B, 3, H, W]. */
  private SDVariable[] decode(SDVariable q, int batch, int side) {
    List<Integer> channels = config.blockOutChannels();
    int levels = channels.size();
    int in = channels.get(levels - 1);
    SDVariable h =
        layers.conv(
            "post_quant_conv", q, config.quantizer().dimension(), config.latentChannels(), 1, 1, 0);
    h = layers.conv("decoder.conv_in", h, config.latentChannels(), in, 3, 1, 1);
    h = middle("decoder.mid_block", h, in, batch, side);
    for (int i = 0; i < levels; i++) {
      String block = "decoder.up_blocks.%d".formatted(i);
      int out = channels.get(levels - 1 - i);
      for (int j = 0; j <= config.layersPerBlock(); j++) {
        h = residual("%s.resnets.%d".formatted(block, j), h, j == 0 ? in : out, out);
      }
      if (i < levels - 1) {
        h = layers.conv(block + ".upsamplers.0.conv", ops.upsample(h), out, out, 3, 1, 1);
      }
      in = out;
    }
    h = layers.groupNormSilu("decoder.conv_norm_out", h, in, config.normNumGroups());
    return new SDVariable[] {h, layers.conv("decoder.conv_out", h, in, 3, 3, 1, 1)};
  }

  private SDVariable middle(String name, SDVariable x, int channels, int batch, int side) {
    SDVariable h = residual(name + ".resnets.0", x, channels, channels);
    if (config.midBlockAddAttention()) {
      h = attention(name + ".attentions.0", h, channels, batch, side);
    }
    return residual(name + ".resnets.1", h, channels, channels);
  }

  /** norm, SiLU, conv 3x3, twice, plus x (through a 1x1 convolution when the width changes). */
  private SDVariable residual(String name, SDVariable x, int in, int out) {
    int groups = config.normNumGroups();
    SDVariable h = layers.groupNormSilu(name + ".norm1", x, in, groups);
    h = layers.conv(name + ".conv1", h, in, out, 3, 1, 1);
    h = layers.groupNormSilu(name + ".norm2", h, out, groups);
    h = layers.conv(name + ".conv2", h, out, out, 3, 1, 1);
    return h.add(in == out ? x : layers.conv(name + ".conv_shortcut", x, in, out, 1, 1, 0));
  }

  /** Self-attention of one head over the positions of the grid, plus x. */
  private SDVariable attention(String name, SDVariable x, int channels, int batch, int side) {
    int positions = side * side;
    SDVariable h = layers.groupNorm(name + ".group_norm", x, channels, config.normNumGroups());
    SDVariable tokens = Grids.toVectors(ops, h, batch, side, channels); // [B T, C]
    SDVariable q = heads(name + ".to_q", tokens, channels, batch, positions);
    SDVariable k = heads(name + ".to_k", tokens, channels, batch, positions);
    SDVariable v = heads(name + ".to_v", tokens, channels, batch, positions);
    SDVariable scores = ops.matmul(q, k, false, true).mul(1 / Math.sqrt(channels)); // [B, T, T]
    SDVariable mixed = ops.matmul(ops.softmax(scores, 2), v, false, false); // [B, T, C]
    SDVariable out =
        layers.linear(
            name + ".to_out.0",
            ops.reshape(mixed, (long) batch * positions, channels),
            channels,
            channels);
    return x.add(Grids.toGrid(ops, out, batch, side, channels));
  }

  private SDVariable heads(String name, SDVariable tokens, int channels, int batch, int positions) {
    return ops.reshape(layers.linear(name, tokens, channels, channels), batch, positions, channels);
  }
}
