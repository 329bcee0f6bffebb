package org.talespark.zoo.nn;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;

/** Changes what the linear layers of a network give, without changing their weights. */
@FunctionalInterface
public interface LinearAdapter {
  /** Changes nothing. */
  LinearAdapter NONE = (ops, layer) -> layer.output();

  /**
   * A linear layer in a graph.
   *
   * @param name of the layer: its tensors are {@code name.weight} and {@code name.bias}
   * @param input [N, in]
   * @param output [N, out], what the layer gives by itself
   */
  record Linear(String name, SDVariable input, SDVariable output, long in, long out) {}

  /** What the layer shall give instead, [N, out]. */
  SDVariable adapt(Ops ops, Linear layer);
}
