package org.talespark.zoo.search;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.runtime.NativeMemory;

/**
 * Rows that follow one another, in native memory.
 *
 * <p>R rows, P numbers each.
 */
public final class RowBlock {
  /** What the lengths, which are computed in float32, may be too small by. */
  private static final double SLACK = 1.001;

  /** Products of longer rows might not be finite. */
  static final double MOST_LENGTH = 1e18;

  private final INDArray rows;
  private final long first;
  private final double longest;

  private RowBlock(INDArray rows, long first, double longest) {
    this.rows = rows;
    this.first = first;
    this.longest = longest;
  }

  /**
   * Takes rows as they are, without copying them.
   *
   * @param rows float32 [R, P] in C order without gaps, may be a view; stays the caller's
   * @param first number of the first one
   * @throws IllegalArgumentException naming the first row whose numbers are not finite or too large
   */
  public static RowBlock of(INDArray rows, long first) {
    if (rows.rank() != 2 || rows.dataType() != DataType.FLOAT || !NativeMemory.isContiguous(rows)) {
      throw new IllegalArgumentException(
          "Cannot search rows: shape=%s type=%s, expected float32 [rows, width] in C order"
              .formatted(Arrays.toString(rows.shape()), rows.dataType()));
    }
    double longest = 0;
    try (INDArray lengths = rows.norm2(1)) {
      float[] each = lengths.toFloatVector();
      for (int r = 0; r < each.length; r++) {
        if (!(each[r] <= MOST_LENGTH)) {
          throw new IllegalArgumentException(
              "Cannot search rows: row=%d has length %s, expected finite numbers and a length of at most %s"
                  .formatted(first + r, each[r], MOST_LENGTH));
        }
        longest = Math.max(longest, each[r]);
      }
    }
    return new RowBlock(rows, first, SLACK * longest);
  }

  /** [R, P]; the memory that it was made of. */
  public INDArray rows() {
    return rows;
  }

  long first() {
    return first;
  }

  /** R. */
  int count() {
    return (int) rows.size(0);
  }

  /** At least the length of every row. */
  double longest() {
    return longest;
  }
}
