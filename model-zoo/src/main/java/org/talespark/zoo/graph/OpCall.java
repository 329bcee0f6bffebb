package org.talespark.zoo.graph;

import java.util.List;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.OpContext;

/**
 * One operation of a plan with its preallocated arrays. For ND4J's custom ops {@code context}
 * already holds arrays and arguments; for the older op classes it holds the arrays, and axes and
 * scalars are set on the op itself; for fused ops there is none and it is null.
 */
public record OpCall(
    DifferentialFunction op, List<INDArray> inputs, List<INDArray> outputs, OpContext context) {
  public OpCall {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /** The operation's registered name, for example {@code conv2d_bp}. */
  public String opName() {
    return op.opName();
  }
}
