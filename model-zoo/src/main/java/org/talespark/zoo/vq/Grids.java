package org.talespark.zoo.vq;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;

/** Feature maps as lists of vectors and back. */
final class Grids {
  private Grids() {}

  /** Codes along a side of a picture; refuses sizes that do not divide. */
  static int side(int size, VqModelConfig config) {
    if (size % config.downsampling() != 0 || size <= 0) {
      throw new IllegalArgumentException(
          "Cannot build model: data.size=%d, expected a multiple of %d"
              .formatted(size, config.downsampling()));
    }
    return size / config.downsampling();
  }

  /** [B, D, side, side] -> [B * side * side, D]. */
  static SDVariable toVectors(Ops ops, SDVariable grid, int batch, int side, int dimension) {
    return ops.reshape(ops.permute(grid, 0, 2, 3, 1), (long) batch * side * side, dimension);
  }

  /** [B * side * side, D] -> [B, D, side, side]. */
  static SDVariable toGrid(Ops ops, SDVariable vectors, int batch, int side, int dimension) {
    return ops.permute(ops.reshape(vectors, batch, side, side, dimension), 0, 3, 1, 2);
  }
}
