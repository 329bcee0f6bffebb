package org.talespark.zoo.graph;

import java.util.Collections;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * One of ND4J's native operations with a gradient of our own: for those whose Java class is
 * missing, wrong, or cannot be told an argument that the native side knows.
 */
final class NativeOp extends GraphOp {

  /** Gradients of the inputs, in their order, from the gradients of the outputs. */
  @FunctionalInterface
  interface Gradient {
    List<SDVariable> of(NativeOp op, List<SDVariable> outputGradients);
  }

  private final Gradient gradient;

  private NativeOp(String name, List<SDVariable> inputs, List<DataType> types, Gradient gradient) {
    super(name, inputs, types);
    this.gradient = gradient;
  }

  /** Adds an operation with one output of the first input's type. */
  static NativeOp of(String name, List<SDVariable> inputs, long[] integers, Gradient gradient) {
    NativeOp op = new NativeOp(name, inputs, List.of(inputs.get(0).dataType()), gradient);
    op.addIArgument(integers);
    return op;
  }

  /** Adds a gradient operation, which is not differentiated again. */
  static NativeOp backward(String name, List<SDVariable> inputs, int outputs, long... integers) {
    List<DataType> types = Collections.nCopies(outputs, inputs.get(0).dataType());
    NativeOp op = new NativeOp(name, inputs, types, null);
    op.addIArgument(integers);
    return op;
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    return gradient == null ? super.doDiff(outputGradients) : gradient.of(this, outputGradients);
  }
}
