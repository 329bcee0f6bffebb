package org.talespark.zoo.vq;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * Equivariance to scale (Kouzelis 2025, arXiv:2502.09509): a picture's latents, averaged two by
 * two, should decode to the picture averaged two by two. Latents of fine noise cannot do that, and
 * what is left of them a diffusion model learns sooner.
 *
 * <p>Vectors are averaged as the encoder makes them and decoded without quantisation.
 */
final class ScaleEquivariance {
  private ScaleEquivariance() {}

  /** The reconstruction losses at half the side, by the weight; layers have built the model. */
  static SDVariable loss(
      VqLearnerConfig config, Layers layers, VqModel model, int batch, int size) {
    VqModelConfig shape = config.model();
    int side = Grids.side(size, shape);
    if (side % 2 != 0) {
      throw new IllegalArgumentException(
          "Cannot train: equivariance_weight=%s with data.size=%d, expected a multiple of %d, or 0"
              .formatted(config.equivarianceWeight(), size, 2 * shape.downsampling()));
    }
    Ops ops = layers.ops();
    SDVariable grid =
        Grids.toGrid(ops, model.quantizer().vectors(), batch, side, shape.quantizer().dimension());
    SDVariable decoded = shape.decode(layers.again(), ops.averagePool(grid, 2), batch, side / 2);
    SDVariable wanted = ops.averagePool(model.pictures(), 2);
    return ops.meanAbsolute(decoded, wanted)
        .mul(config.l1Weight())
        .add(ops.meanSquare(decoded, wanted).mul(config.l2Weight()))
        .mul(config.equivarianceWeight());
  }
}
