package org.talespark.zoo.diffusion;

import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.nn.SymmetricMatrix;
import org.talespark.zoo.train.LatentSpace;

/**
 * Latents to such of mean 0 and unit covariance, and back: w = S^-1/2 (z - mean) at each position,
 * S the covariance of the channels (zero-phase component analysis).
 *
 * <p>Variances alone would not do. A first stage is free to make channels that are nearly the same;
 * what tells them apart, often colours, would then be a few per cent of what the denoiser's squared
 * error sees.
 */
final class Whitening {
  private final double[] mean;
  private final double[][] toWhite;
  private final double[][] back;
  private final int plane;

  Whitening(LatentSpace space) {
    this.mean = space.mean().stream().mapToDouble(Double::doubleValue).toArray();
    this.plane = space.side() * space.side();
    INDArray covariance = Nd4j.createFromArray(matrix(space.covariance()));
    double[] variances = SymmetricMatrix.eigenvalues(covariance);
    if (!(variances[0] > 0)) {
      throw new IllegalArgumentException(
          "Cannot use latents: variances=%s along their axes, expected all above 0; try a first stage with fewer channels"
              .formatted(Arrays.toString(variances)));
    }
    this.toWhite = SymmetricMatrix.map(covariance, v -> 1 / Math.sqrt(v)).toDoubleMatrix();
    this.back = SymmetricMatrix.map(covariance, Math::sqrt).toDoubleMatrix();
  }

  private static double[][] matrix(List<List<Double>> rows) {
    return rows.stream()
        .map(row -> row.stream().mapToDouble(Double::doubleValue).toArray())
        .toArray(double[][]::new);
  }

  /** Latents [count, C, S, S] of the first stage to white ones. */
  float[] whiten(float[] latents) {
    float[] centred = new float[latents.length];
    for (int i = 0; i < latents.length; i++) {
      centred[i] = (float) (latents[i] - mean[i / plane % mean.length]);
    }
    return mixed(centred, toWhite);
  }

  /** White latents [count, C, S, S] to those of the first stage. */
  float[] unwhiten(float[] white) {
    float[] latents = mixed(white, back);
    for (int i = 0; i < latents.length; i++) {
      latents[i] += (float) mean[i / plane % mean.length];
    }
    return latents;
  }

  /** Each position's channels times a matrix. */
  private float[] mixed(float[] latents, double[][] matrix) {
    int channels = mean.length;
    float[] result = new float[latents.length];
    for (int from = 0; from < latents.length; from += channels * plane) {
      for (int p = 0; p < plane; p++) {
        for (int out = 0; out < channels; out++) {
          double sum = 0;
          for (int in = 0; in < channels; in++) {
            sum += matrix[out][in] * latents[from + in * plane + p];
          }
          result[from + out * plane + p] = (float) sum;
        }
      }
    }
    return result;
  }
}
