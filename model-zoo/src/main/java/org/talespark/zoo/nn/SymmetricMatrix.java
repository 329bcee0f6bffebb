package org.talespark.zoo.nn;

import java.util.function.DoubleUnaryOperator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Eigenvalues of symmetric matrices of doubles [n, n], by LAPACK's syev, and functions of them. */
public final class SymmetricMatrix {
  private SymmetricMatrix() {}

  /** In ascending order. */
  public static double[] eigenvalues(INDArray matrix) {
    return decompose(matrix.add(matrix.transpose()).muli(0.5).dup('f'));
  }

  /** The matrix of the same eigenvectors whose eigenvalues are functions of the given one's. */
  public static INDArray map(INDArray matrix, DoubleUnaryOperator function) {
    INDArray vectors = matrix.dup('f');
    double[] values = decompose(vectors);
    INDArray scaled = vectors.dup();
    for (int i = 0; i < values.length; i++) {
      scaled.getColumn(i).muli(function.applyAsDouble(values[i]));
    }
    return scaled.mmul(vectors.transpose());
  }

  /** The eigenvalues of a column-major matrix, which becomes its eigenvectors. */
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
}
