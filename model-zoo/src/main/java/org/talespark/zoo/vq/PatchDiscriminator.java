package org.talespark.zoo.vq;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * PatchGAN discriminator (Isola 2017, arXiv:1611.07004): tells real from reconstructed for each
 * patch. 4x4 convolutions, LeakyReLU 0.2, widths c, 2c, 4c and one output map; stride 2 but for the
 * last two.
 *
 * <pre>
 *   x [B, 3, H, W] -> conv/2, LeakyReLU [B, c, H/2, W/2] -> conv/2, norm, LeakyReLU [B, 2c, H/4, W/4]
 *   -> conv/1, norm, LeakyReLU [B, 4c, H/4 - 1, W/4 - 1] -> conv/1 [B, 1, H/4 - 2, W/4 - 2]
 * </pre>
 */
final class PatchDiscriminator {
  private static final double SLOPE = 0.2;

  /** Normalisation between the convolutions. */
  enum Norm {
    NONE,
    /** With the batch's own statistics; a worker sees only its own part of the batch. */
    BATCH
  }

  private PatchDiscriminator() {}

  /** x [B, 3, H, W] -> logits [B, 1, H/4 - 2, W/4 - 2], positive for real. */
  static SDVariable logits(Layers layers, SDVariable x, int width, Norm norm) {
    Ops ops = layers.ops();
    SDVariable h = ops.leakyRelu(layers.conv("discriminator.0", x, 3, width, 4, 2, 1), SLOPE);
    h = block(layers, "discriminator.1", h, width, 2 * width, 2, norm);
    h = block(layers, "discriminator.2", h, 2 * width, 4 * width, 1, norm);
    return layers.conv("discriminator.3", h, 4 * width, 1, 4, 1, 1);
  }

  private static SDVariable block(
      Layers layers, String name, SDVariable x, int in, int out, int stride, Norm norm) {
    SDVariable h = layers.conv(name, x, in, out, 4, stride, 1);
    if (norm == Norm.BATCH) {
      h = layers.batchNorm(name + ".norm", h, out);
    }
    return layers.ops().leakyRelu(h, SLOPE);
  }
}
