package org.talespark.zoo.search;

import static java.util.Objects.requireNonNull;

import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.runtime.NativeMemory;

/**
 * The K rows that have the largest products with each of some queries, exactly.
 *
 * <p>Q queries, P numbers each; blocks of R rows [R, P], in any order.
 *
 * <p>A matrix product [Q, R] in float32 says which rows of a block can be among the best: with u =
 * 2^-24 it differs from the true product of x and q by at most P u / (1 - P u) |x| |q|, in whatever
 * order it is summed up (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1).
 * Rows whose product is not further than that below the K-th best are multiplied again, in double
 * and from the first number to the last. So the result is that of comparing each query with each
 * row in double, to the bit, and does not depend on blocks, threads or kernels: the highest score
 * first, and of equal scores the lower row.
 *
 * <p>Memory is one block's products. Many rows that are as similar to a query as its K-th best make
 * it slow, not wrong. Not thread-safe; several searches may run side by side, each on a part of the
 * rows ({@link Hit#best}).
 */
public final class BlockSearch implements AutoCloseable {
  /** Rows of a block that keep products and rows in a processor's cache. */
  public static final int ROWS = 4096;

  /** Queries that are multiplied at a time. */
  private static final int QUERIES = 256;

  private static final double UNIT = 0x1p-24; // u of float32

  /** Some queries, [Q', P]. */
  private record Group(int first, INDArray array) {}

  private final float[][] queries;
  private final int width;
  private final double[] lengths;
  private final List<Group> groups = new ArrayList<>();
  private final List<TopHits> best = new ArrayList<>();
  private final double error; // of a product, in shares of both lengths
  private final float[] row;
  private INDArray products; // [Q', R]
  private float[] scores = {};

  /**
   * For these queries.
   *
   * @param queries [Q][P], at least one, of one width, of lengths of at most 1e18
   * @param most K, at least 1
   */
  public BlockSearch(float[][] queries, int most) {
    requireNonNull(queries, "queries");
    if (queries.length == 0 || queries[0].length == 0 || most < 1) {
      throw new IllegalArgumentException(
          "Cannot search: queries=%d width=%d most=%d, expected at least 1 of each"
              .formatted(queries.length, queries.length == 0 ? 0 : queries[0].length, most));
    }
    this.queries = queries.clone();
    this.width = queries[0].length;
    this.lengths = new double[queries.length];
    this.error = width * UNIT / (1 - width * UNIT);
    this.row = new float[width];
    for (int q = 0; q < queries.length; q++) {
      if (queries[q].length != width) {
        throw new IllegalArgumentException(
            "Cannot search: query=%d width=%d, expected %d as the first"
                .formatted(q, queries[q].length, width));
      }
      lengths[q] = Math.sqrt(dot(queries[q], queries[q]));
      if (!(lengths[q] <= RowBlock.MOST_LENGTH)) {
        throw new IllegalArgumentException(
            "Cannot search: query=%d has length %s, expected finite numbers and a length of at most %s"
                .formatted(q, lengths[q], RowBlock.MOST_LENGTH));
      }
      best.add(new TopHits(most));
    }
    for (int from = 0; from < queries.length; from += QUERIES) {
      int to = Math.min(queries.length, from + QUERIES);
      groups.add(new Group(from, Nd4j.createFromArray(Arrays.copyOfRange(queries, from, to))));
    }
  }

  /** Compares the rows of a block with every query. */
  public void look(RowBlock block) {
    if (block.rows().size(1) != width) {
      throw new IllegalArgumentException(
          "Cannot search: rows have width=%d, expected %d as the queries"
              .formatted(block.rows().size(1), width));
    }
    int count = block.count();
    if (count == 0) {
      return;
    }
    long bytes = NativeMemory.byteCount(block.rows());
    FloatBuffer rows = NativeMemory.window(block.rows(), 0, Math.toIntExact(bytes)).asFloatBuffer();
    try {
      for (Group group : groups) {
        multiply(group.array(), block.rows());
        FloatBuffer found =
            NativeMemory.window(products, 0, Math.toIntExact(NativeMemory.byteCount(products)))
                .asFloatBuffer();
        for (int q = 0; q < group.array().size(0); q++) {
          found.get(q * count, scores, 0, count);
          select(block, rows, group.first() + q);
        }
      }
    } finally {
      Reference.reachabilityFence(block);
    }
  }

  /** products = queries rows^T. */
  private void multiply(INDArray of, INDArray rows) {
    long[] shape = {of.size(0), rows.size(0)};
    if (products == null || !Arrays.equals(products.shape(), shape)) {
      closeProducts();
      products = Nd4j.createUninitialized(DataType.FLOAT, shape, 'c');
      scores = new float[(int) shape[1]];
    }
    Nd4j.exec(
        DynamicCustomOp.builder("matmul")
            .addInputs(of, rows)
            .addOutputs(products)
            .addIntegerArguments(0, 1, 0) // the second one transposed
            .build());
  }

  private void select(RowBlock block, FloatBuffer rows, int query) {
    TopHits hits = best.get(query);
    double margin = error * lengths[query] * block.longest() + width * (double) Float.MIN_NORMAL;
    float least = below(hits.least() - margin);
    for (int r = 0; r < scores.length; r++) {
      if (scores[r] >= least) {
        rows.get(r * width, row, 0, width);
        if (hits.offer(block.first() + r, dot(queries[query], row))) {
          least = below(hits.least() - margin);
        }
      }
    }
  }

  private static float below(double value) {
    return Math.nextDown((float) value);
  }

  /** In double, from the first number to the last: products of floats are exact. */
  static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /** What was found so far, for each query in order: at most K hits, the best first. */
  public List<List<Hit>> hits() {
    return best.stream().map(TopHits::hits).toList();
  }

  private void closeProducts() {
    if (products != null) {
      products.close();
      products = null;
    }
  }

  @Override
  public void close() {
    closeProducts();
    groups.forEach(group -> group.array().close());
  }
}
