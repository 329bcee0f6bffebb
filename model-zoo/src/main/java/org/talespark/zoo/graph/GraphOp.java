package org.talespark.zoo.graph;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** An operation of our own in a SameDiff graph: any name, any gradient, fixed output types. */
abstract class GraphOp extends DynamicCustomOp {
  private final List<DataType> types;

  GraphOp(String name, List<SDVariable> inputs, List<DataType> outputTypes) {
    super(name);
    this.types = List.copyOf(outputTypes);
    SameDiff graph = inputs.get(0).getSameDiff();
    setSameDiff(graph);
    setOwnName(graph.getOpName(name));
    graph.putOpForId(getOwnName(), this);
    graph.addArgsFor(inputs.toArray(SDVariable[]::new), this);
  }

  final SDVariable output() {
    return outputVariables()[0];
  }

  @Override
  public int getNumOutputs() {
    return types.size();
  }

  @Override
  public List<DataType> calculateOutputDataTypes(List<DataType> inputTypes) {
    return types;
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    throw new UnsupportedOperationException(
        "Cannot differentiate twice: op=%s is itself a gradient".formatted(opName()));
  }
}
