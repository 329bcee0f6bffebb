package org.talespark.zoo.optim;

import java.lang.ref.Reference;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Clips gradients by their global norm (arXiv:1211.5063), as PyTorch does: when the norm is above
 * the limit all are multiplied by limit / (norm + 1e-6). The norm is summed in double precision in
 * a fixed order, so that replicas agree to the bit. Not for several threads.
 */
public final class GradientClip {
  private static final double MARGIN = 1e-6;
  private static final int LANES = 4;

  private final double maxNorm;
  private final float[] floats = new float[FlatArray.BLOCK];
  private final double[] doubles = new double[FlatArray.BLOCK];
  private FlatArray bound;

  /**
   * @param maxNorm above 0; infinity measures without clipping
   */
  public GradientClip(double maxNorm) {
    Checks.require(maxNorm > 0, "clip_norm", maxNorm, "a number > 0");
    this.maxNorm = maxNorm;
  }

  /**
   * Clips in place.
   *
   * @param gradients flat, FLOAT or DOUBLE
   * @return the norm before clipping; when it is not finite nothing was changed, and the step must
   *     not be made
   */
  public double clip(INDArray gradients) {
    FlatArray flat =
        FlatArray.rebind(bound, "gradients", gradients, gradients.dataType(), gradients.length());
    bound = flat;
    try {
      double norm =
          Math.sqrt(flat.type() == DataType.FLOAT ? squaresOfFloats(flat) : squares(flat));
      if (norm > maxNorm && Double.isFinite(norm)) {
        scale(flat, maxNorm / (norm + MARGIN));
      }
      return norm;
    } finally {
      Reference.reachabilityFence(gradients);
    }
  }

  private double squaresOfFloats(FlatArray flat) {
    double sum = 0;
    for (long offset = 0; offset < flat.length(); offset += FlatArray.BLOCK) {
      int n = flat.blockLength(offset);
      flat.read(offset, floats, n);
      for (int i = 0; i < n; i++) {
        doubles[i] = floats[i];
      }
      sum += blockSquares(n);
    }
    return sum;
  }

  private double squares(FlatArray flat) {
    double sum = 0;
    for (long offset = 0; offset < flat.length(); offset += FlatArray.BLOCK) {
      int n = flat.blockLength(offset);
      flat.read(offset, doubles, n);
      sum += blockSquares(n);
    }
    return sum;
  }

  /** Four running sums, since one would wait for each addition. */
  private double blockSquares(int n) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      a += doubles[i] * doubles[i];
      b += doubles[i + 1] * doubles[i + 1];
      c += doubles[i + 2] * doubles[i + 2];
      d += doubles[i + 3] * doubles[i + 3];
    }
    for (; i < n; i++) {
      a += doubles[i] * doubles[i];
    }
    return (a + b) + (c + d);
  }

  private void scale(FlatArray flat, double factor) {
    for (long offset = 0; offset < flat.length(); offset += FlatArray.BLOCK) {
      int n = flat.blockLength(offset);
      if (flat.type() == DataType.FLOAT) {
        flat.read(offset, floats, n);
        float single = (float) factor;
        for (int i = 0; i < n; i++) {
          floats[i] *= single;
        }
        flat.write(offset, floats, n);
      } else {
        flat.read(offset, doubles, n);
        for (int i = 0; i < n; i++) {
          doubles[i] *= factor;
        }
        flat.write(offset, doubles, n);
      }
    }
  }
}
