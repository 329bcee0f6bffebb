package org.talespark.zoo.attributes;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The Fr&eacute;chet distance between two sets of features (Heusel 2017, arXiv:1706.08500), taken
 * for Gaussian with means m, n and covariances S, T:
 *
 * <pre>
 *   |m - n|^2 + trace(S + T - 2 (S^1/2 T S^1/2)^1/2)
 * </pre>
 *
 * <p>S^1/2 comes from the eigenvectors of S, and the last trace is the sum of the roots of the
 * eigenvalues of S^1/2 T S^1/2, which is symmetric and has those of S T. All in double.
 *
 * <p>The distance of finite sets is biased upwards, the more so the fewer there are: compare only
 * distances to one reference, of sets of one size.
 */
public final class FrechetDistance {
  private static final int GROUPS = 20;

  /**
   * A Gaussian.
   *
   * @param mean [F]
   * @param covariance [F, F]
   */
  private record Gaussian(INDArray mean, INDArray covariance) {}

  private FrechetDistance() {}

  /** The fewest samples of F features for {@link #estimate}. */
  public static int least(int features) {
    return (features + 1) * GROUPS / (GROUPS - 1) + 1;
  }

  /**
   * The distance between sets of [F] features.
   *
   * @throws IllegalArgumentException when a set has fewer than F + 1 samples, with which no
   *     covariance has full rank
   */
  public static double between(List<float[]> a, List<float[]> b) {
    Gaussian first = gaussian(a);
    Gaussian second = gaussian(b);
    if (first.mean().length() != second.mean().length()) {
      throw new IllegalArgumentException(
          "Cannot measure distance: features=%d and %d, expected as many in both sets"
              .formatted(first.mean().length(), second.mean().length()));
    }
    INDArray root = root(first.covariance());
    INDArray product = root.mmul(second.covariance()).mmul(root);
    double roots = 0;
    for (double eigenvalue : eigenvalues(product)) {
      roots += Math.sqrt(Math.max(0, eigenvalue)); // rounding makes some of them negative
    }
    double squared = first.mean().squaredDistance(second.mean());
    double traces = trace(first.covariance()) + trace(second.covariance());
    return Math.max(0, squared + traces - 2 * roots);
  }

  /**
   * The distance and its interval, by the jackknife: without each of twenty groups of both sets,
   * whose order must have nothing to do with what they hold.
   *
   * @throws IllegalArgumentException when a set has fewer samples than {@link #least}
   */
  public static Estimate estimate(List<float[]> a, List<float[]> b) {
    int fewest = Math.min(a.size(), b.size());
    if (fewest == 0 || fewest < least(a.get(0).length)) {
      throw tooFew(fewest, fewest == 0 ? "some" : Integer.toString(least(a.get(0).length)));
    }
    double[] without = new double[Math.min(GROUPS, fewest)];
    for (int g = 0; g < without.length; g++) {
      without[g] = between(without(a, g, without.length), without(b, g, without.length));
    }
    Estimate estimate = Estimate.jackknife(between(a, b), without);
    return new Estimate(estimate.value(), Math.max(0, estimate.low()), estimate.high());
  }

  private static List<float[]> without(List<float[]> features, int group, int groups) {
    List<float[]> kept = new ArrayList<>();
    for (int i = 0; i < features.size(); i++) {
      if (i % groups != group) {
        kept.add(features.get(i));
      }
    }
    return kept;
  }

  private static IllegalArgumentException tooFew(int samples, String least) {
    return new IllegalArgumentException(
        "Cannot measure distance: samples=%d, expected at least %s; try more pictures"
            .formatted(samples, least));
  }

  private static Gaussian gaussian(List<float[]> features) {
    int n = features.size();
    int width = n == 0 ? 0 : features.get(0).length;
    if (n < width + 1 || n < 2) {
      throw tooFew(n, n == 0 ? "some" : "one more than the %d features".formatted(width));
    }
    double[][] rows = new double[n][];
    for (int i = 0; i < n; i++) {
      float[] feature = features.get(i);
      rows[i] = new double[width];
      for (int j = 0; j < width; j++) {
        rows[i][j] = feature[j];
        if (!Double.isFinite(feature[j])) {
          throw new IllegalArgumentException(
              "Cannot measure distance: sample=%d feature=%d is %s, expected a finite number"
                  .formatted(i, j, feature[j]));
        }
      }
    }
    INDArray all = Nd4j.createFromArray(rows); // [n, F]
    INDArray mean = all.mean(0);
    INDArray centred = all.subRowVector(mean);
    return new Gaussian(mean, centred.transpose().mmul(centred).divi(n - 1));
  }

  /** The symmetric root of a positive matrix. */
  private static INDArray root(INDArray matrix) {
    INDArray vectors = matrix.dup('f');
    double[] values = decompose(vectors);
    INDArray scaled = vectors.dup();
    for (int i = 0; i < values.length; i++) {
      scaled.getColumn(i).muli(Math.sqrt(Math.max(0, values[i])));
    }
    return scaled.mmul(vectors.transpose());
  }

  private static double[] eigenvalues(INDArray matrix) {
    return decompose(matrix.add(matrix.transpose()).muli(0.5).dup('f'));
  }

  /** The eigenvalues of a symmetric column-major matrix, which becomes its eigenvectors. */
  private static double[] decompose(INDArray matrix) {
    INDArray values = Nd4j.zeros(DataType.DOUBLE, matrix.rows());
    int code = Nd4j.getBlasWrapper().syev('V', 'L', matrix, values);
    if (code != 0) {
      throw new IllegalStateException(
          "Cannot find eigenvalues: LAPACK's syev says %d for a matrix of %d rows"
              .formatted(code, matrix.rows()));
    }
    return values.toDoubleVector();
  }

  private static double trace(INDArray matrix) {
    double sum = 0;
    for (int i = 0; i < matrix.rows(); i++) {
      sum += matrix.getDouble(i, i);
    }
    return sum;
  }
}
