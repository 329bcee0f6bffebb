package org.talespark.zoo.graph;

import java.util.List;
import org.nd4j.autodiff.functions.DifferentialFunction;

/** One operation of a plan while it is being made. */
final class Node {
  final DifferentialFunction op;
  final List<Value> inputs;
  final List<Value> outputs;

  /** True when it depends on an input that is set between the two parts of a step. */
  boolean late;

  /** True when output 0 shares the buffer of an input that nobody reads later. */
  boolean inPlace;

  /** The run over a batch that it is part of, or null. */
  BatchRun run;

  /** Index of the request for its kernel's scratch memory, or -1. */
  int scratch = -1;

  Node(DifferentialFunction op, List<Value> inputs, List<Value> outputs) {
    this.op = op;
    this.inputs = List.copyOf(inputs);
    this.outputs = List.copyOf(outputs);
  }
}
