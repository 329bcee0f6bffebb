package org.talespark.zoo.vq;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * VQ-VAE (van den Oord 2017, arXiv:1711.00937): stride-2 4x4 convolutions and a 3x3 to the codes'
 * dimension, a quantizer, and the mirror image with transposed convolutions and tanh.
 *
 * <p>B batch, H W height and width, h = H / 2^levels, D dimension of a code, c width.
 *
 * <pre>
 *   x [B, 3, H, W] -> levels times conv 4x4/2, ReLU -> [B, c, h, w] -> conv 3x3 -> [B, D, h, w]
 *   -> quantizer -> conv 3x3, ReLU -> [B, c, h, w] -> levels times transposed conv 4x4/2
 *   -> tanh -> [B, 3, H, W]
 * </pre>
 */
public final class VqVae {

  /**
   * Its size.
   *
   * @param width channels of the hidden layers
   * @param levels halvings of the side; 3 in the paper's form for 64 pixels
   */
  public record Config(int width, int levels, VectorQuantizer.Config quantizer)
      implements VqModelConfig {
    public Config {
      if (width < 1 || levels < 1 || levels > 6) {
        throw new IllegalArgumentException(
            "Cannot configure VQ-VAE: width=%d levels=%d, expected width >= 1 and levels from 1 to 6"
                .formatted(width, levels));
      }
    }

    @Override
    public int downsampling() {
      return 1 << levels;
    }

    @Override
    public String lastLayer() {
      return "decoder.%d.weight".formatted(levels);
    }

    @Override
    public String codebook() {
      return "quantize.embedding.weight";
    }

    @Override
    public VqModel build(Layers layers, int batch, int size) {
      return VqVae.build(this, layers, batch, size);
    }

    @Override
    public SDVariable decode(Layers layers, SDVariable grid, int batch, int side) {
      return VqVae.decode(this, layers, grid)[1];
    }
  }

  private VqVae() {}

  private static VqModel build(Config config, Layers layers, int batch, int size) {
    Ops ops = layers.ops();
    int side = Grids.side(size, config);
    int width = config.width();
    int dimension = config.quantizer().dimension();
    SDVariable x = ops.input(VqModel.PICTURES, batch, 3, size, size);

    SDVariable h = x;
    for (int level = 0; level < config.levels(); level++) {
      h = ops.relu(layers.conv("encoder." + level, h, level == 0 ? 3 : width, width, 4, 2, 1));
    }
    h = layers.conv("encoder." + config.levels(), h, width, dimension, 3, 1, 1); // [B, D, h, w]

    SDVariable codebook = VectorQuantizer.codebook(layers, config.quantizer(), config.codebook());
    VectorQuantizer.Outputs quantizer =
        VectorQuantizer.quantize(
            ops, config.quantizer(), Grids.toVectors(ops, h, batch, side, dimension), codebook);
    SDVariable[] decoded =
        decode(config, layers, Grids.toGrid(ops, quantizer.quantized(), batch, side, dimension));
    return new VqModel(x, quantizer, decoded[0], decoded[1]);
  }

  /** q [B, D, h, w] -> what the last layer reads [B, c, H/2, W/2], and the picture [B, 3, H, W]. */
  private static SDVariable[] decode(Config config, Layers layers, SDVariable q) {
    Ops ops = layers.ops();
    int width = config.width();
    SDVariable h =
        ops.relu(layers.conv("decoder.0", q, config.quantizer().dimension(), width, 3, 1, 1));
    for (int level = 1; level < config.levels(); level++) {
      h = ops.relu(layers.convTranspose("decoder." + level, h, width, width, 4, 2, 1));
    }
    SDVariable picture =
        ops.tanh(layers.convTranspose("decoder." + config.levels(), h, width, 3, 4, 2, 1));
    return new SDVariable[] {h, picture};
  }
}
