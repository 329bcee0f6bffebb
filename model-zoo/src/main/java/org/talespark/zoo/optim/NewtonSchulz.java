package org.talespark.zoo.optim;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Makes a matrix nearly orthogonal: its singular vectors stay, its singular values come to between
 * 0.7 and 1.2 (those below about a thousandth of the largest stay smaller). Five steps of the
 * quintic iteration of Muon (Jordan 2024),
 *
 * <pre>
 *   X = X / |X|
 *   X = (a + b X X^T + c (X X^T)^2) X     five times
 * </pre>
 *
 * <p>The polynomials are multiplied as square matrices of the shorter side, which is several times
 * less work for kernels of convolutions than five products with X. X X^T is computed anew after two
 * steps: over all five, single precision loses the small singular values.
 */
final class NewtonSchulz {
  private static final double A = 3.4445;
  private static final double B = -4.7750;
  private static final double C = 2.0315;
  private static final int STEPS_BEFORE = 2;
  private static final int STEPS_AFTER = 3;

  private final Matrix x;
  private final Matrix y;
  private final Matrix gram;
  private final Matrix factor;
  private final Matrix product;
  private final Matrix spare;
  private final Matrix ones;
  private final FlatArray values;

  /**
   * @param elements most of a matrix
   * @param side most of a shorter side
   */
  NewtonSchulz(DataType type, long elements, long side) {
    this.x = new Matrix(type, elements);
    this.y = new Matrix(type, elements);
    this.gram = new Matrix(type, side * side);
    this.factor = new Matrix(type, side * side);
    this.product = new Matrix(type, side * side);
    this.spare = new Matrix(type, side * side);
    this.ones = new Matrix(type, side);
    ones.array.assign(1);
    this.values = FlatArray.of("matrix", x.array);
  }

  /** Where the matrix is put and taken, by rows. */
  FlatArray values() {
    return values;
  }

  /** Makes the matrix orthogonal; one of zeros stays as it is. */
  void orthogonalize(int rows, int columns) {
    int elements = rows * columns;
    double norm = x.norm(elements);
    if (norm == 0) {
      return;
    }
    x.scale(elements, 1 / norm);
    steps(x, y, rows, columns, STEPS_BEFORE);
    steps(y, x, rows, columns, STEPS_AFTER);
  }

  /** Some steps from one matrix to another. */
  private void steps(Matrix from, Matrix to, int rows, int columns, int steps) {
    boolean wide = rows <= columns;
    int side = Math.min(rows, columns);
    int other = Math.max(rows, columns);
    // by rows, X X^T; by columns, X^T X
    multiply(!wide, wide, side, side, other, 1, from, columns, from, columns, 0, gram, side);
    Matrix all = product;
    Matrix free = spare;
    for (int step = 0; step < steps; step++) {
      Matrix polynomial = step == 0 ? all : factor;
      gram.copy(side * side, polynomial);
      square(side, C, gram, gram, B, polynomial);
      polynomial.add(side, A, ones, side + 1);
      if (step + 1 < steps) {
        // all are polynomials of one matrix, in any order
        square(side, 1, polynomial, gram, 0, free);
        square(side, 1, free, polynomial, 0, gram);
      }
      if (step > 0) {
        square(side, 1, factor, all, 0, free);
        Matrix last = all;
        all = free;
        free = last;
      }
    }
    if (wide) {
      multiply(false, false, rows, columns, rows, 1, all, side, from, columns, 0, to, columns);
    } else {
      multiply(false, false, rows, columns, columns, 1, from, columns, all, side, 0, to, columns);
    }
  }

  private static void square(
      int side, double alpha, Matrix left, Matrix right, double beta, Matrix to) {
    multiply(false, false, side, side, side, alpha, left, side, right, side, beta, to, side);
  }

  /** to = alpha left right + beta to; each with its elements a row, before it is transposed. */
  private static void multiply(
      boolean leftTransposed,
      boolean rightTransposed,
      int rows,
      int columns,
      int inner,
      double alpha,
      Matrix left,
      int leftRow,
      Matrix right,
      int rightRow,
      double beta,
      Matrix to,
      int toRow) {
    int leftOrder = order(leftTransposed);
    int rightOrder = order(rightTransposed);
    if (to.floats != null) {
      openblas_nolapack.cblas_sgemm(
          openblas_nolapack.CblasRowMajor,
          leftOrder,
          rightOrder,
          rows,
          columns,
          inner,
          (float) alpha,
          left.floats,
          leftRow,
          right.floats,
          rightRow,
          (float) beta,
          to.floats,
          toRow);
    } else {
      openblas_nolapack.cblas_dgemm(
          openblas_nolapack.CblasRowMajor,
          leftOrder,
          rightOrder,
          rows,
          columns,
          inner,
          alpha,
          left.doubles,
          leftRow,
          right.doubles,
          rightRow,
          beta,
          to.doubles,
          toRow);
    }
  }

  private static int order(boolean transposed) {
    return transposed ? openblas_nolapack.CblasTrans : openblas_nolapack.CblasNoTrans;
  }

  /** Memory of one of the two types. */
  private static final class Matrix {
    private final INDArray array; // keeps the memory alive
    private final FloatPointer floats;
    private final DoublePointer doubles;

    Matrix(DataType type, long elements) {
      this.array = Nd4j.create(type, elements);
      boolean single = type == DataType.FLOAT;
      this.floats = single ? new FloatPointer(array.data().pointer()) : null;
      this.doubles = single ? null : new DoublePointer(array.data().pointer());
    }

    double norm(int elements) {
      return floats != null
          ? openblas_nolapack.cblas_snrm2(elements, floats, 1)
          : openblas_nolapack.cblas_dnrm2(elements, doubles, 1);
    }

    void scale(int elements, double by) {
      if (floats != null) {
        openblas_nolapack.cblas_sscal(elements, (float) by, floats, 1);
      } else {
        openblas_nolapack.cblas_dscal(elements, by, doubles, 1);
      }
    }

    void copy(int elements, Matrix to) {
      if (floats != null) {
        openblas_nolapack.cblas_scopy(elements, floats, 1, to.floats, 1);
      } else {
        openblas_nolapack.cblas_dcopy(elements, doubles, 1, to.doubles, 1);
      }
    }

    /** Adds to elements that lie so far from one another. */
    void add(int elements, double factor, Matrix added, int distance) {
      if (floats != null) {
        openblas_nolapack.cblas_saxpy(elements, (float) factor, added.floats, 1, floats, distance);
      } else {
        openblas_nolapack.cblas_daxpy(elements, factor, added.doubles, 1, doubles, distance);
      }
    }
  }
}
