package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Matrices turned over, one of each sample: feature maps into rows of tokens and back. Its gradient
 * is the way back.
 */
final class FusedTranspose extends FusedOp {
  private static final int TILE = 16;
  private static final int LEAST_ELEMENTS = 16384;

  private final long[] from;
  private final long[] to;
  private final int rows;
  private final int columns;

  private FusedTranspose(SDVariable x, long[] from, long[] to, int rows, int columns) {
    super("talespark_transpose", List.of(x), 1);
    this.from = from;
    this.to = to;
    this.rows = rows;
    this.columns = columns;
  }

  /**
   * Turns each rows x columns matrix over.
   *
   * @param from shape of x: its elements are matrices one behind another
   * @param to shape of the result, of as many elements
   */
  static SDVariable apply(SDVariable x, long[] from, long[] to, int rows, int columns) {
    return new FusedTranspose(x, from, to, rows, columns).output();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    if (!Arrays.equals(inputShapes.get(0), from)) {
      throw new IllegalArgumentException(
          "Cannot turn matrices: shape=%s, expected %s"
              .formatted(Arrays.toString(inputShapes.get(0)), Arrays.toString(from)));
    }
    return List.of(to.clone());
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    return List.of(apply(outputGradients.get(0), to, from, columns, rows));
  }

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer in = FloatMemory.of(call.inputs().get(0));
    FloatBuffer out = FloatMemory.of(call.outputs().get(0));
    int length = rows * columns;
    return Parts.ofRows(
        in.capacity() / length,
        Math.max(1, LEAST_ELEMENTS / length),
        (part, first, end) -> {
          float[] x = new float[length];
          float[] y = new float[length];
          return () -> {
            for (int matrix = first; matrix < end; matrix++) {
              in.get(matrix * length, x, 0, length);
              for (int r = 0; r < rows; r += TILE) {
                for (int c = 0; c < columns; c += TILE) {
                  tile(x, y, r, c);
                }
              }
              out.put(matrix * length, y, 0, length);
            }
          };
        });
  }

  private void tile(float[] x, float[] y, int firstRow, int firstColumn) {
    int lastRow = Math.min(rows, firstRow + TILE);
    int lastColumn = Math.min(columns, firstColumn + TILE);
    for (int c = firstColumn; c < lastColumn; c++) {
      for (int r = firstRow; r < lastRow; r++) {
        y[c * rows + r] = x[r * columns + c];
      }
    }
  }
}
