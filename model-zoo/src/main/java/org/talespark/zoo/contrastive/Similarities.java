package org.talespark.zoo.contrastive;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;

/**
 * Products of a few rows with all rows of the other kind, and back: a block of queries [R, P]
 * against keys [M, P].
 */
final class Similarities implements AutoCloseable {
  private static final String QUERIES = "queries";
  private static final String KEYS = "keys";
  private static final String PRODUCTS = "products";
  private static final String SLOPES = "slopes";
  private static final String PULLS = "pulls";

  private final int rows;
  private final CompiledGraph forward;
  private final CompiledGraph backward;

  /**
   * For one kind of rows.
   *
   * @param rows R
   * @param keys [M, P], read at each call
   */
  Similarities(int rows, INDArray keys) {
    this.rows = rows;
    DataType type = keys.dataType();
    Ops ops = new Ops(type);
    ops.name(
        PRODUCTS,
        ops.matmul(
            ops.input(QUERIES, rows, keys.size(1)), ops.input(KEYS, keys.shape()), false, true));
    this.forward =
        CompiledGraph.of(ops.graph())
            .input(QUERIES, rows, keys.size(1))
            .bind(KEYS, keys)
            .outputs(PRODUCTS)
            .build();
    Ops back = new Ops(type);
    back.name(
        PULLS,
        back.matmul(
            back.input(SLOPES, rows, keys.size(0)), back.input(KEYS, keys.shape()), false, false));
    this.backward =
        CompiledGraph.of(back.graph())
            .input(SLOPES, rows, keys.size(0))
            .bind(KEYS, keys)
            .outputs(PULLS)
            .build();
  }

  /** R. */
  int rows() {
    return rows;
  }

  /**
   * queries keys^T.
   *
   * @param queries R P numbers; rows that are not wanted may be anything finite
   * @param products R M numbers, filled
   */
  void products(double[] queries, double[] products) {
    Elements.write(queries, 1, forward.input(QUERIES));
    forward.run();
    Elements.read(forward.output(PRODUCTS), products);
  }

  /**
   * slopes keys.
   *
   * @param slopes R M numbers
   * @param pulls R P numbers, filled
   */
  void pulls(double[] slopes, double[] pulls) {
    Elements.write(slopes, 1, backward.input(SLOPES));
    backward.run();
    Elements.read(backward.output(PULLS), pulls);
  }

  @Override
  public void close() {
    forward.close();
    backward.close();
  }
}
