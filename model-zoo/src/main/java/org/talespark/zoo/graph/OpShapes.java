package org.talespark.zoo.graph;

import java.util.List;
import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What is known of a call before its arrays exist.
 *
 * @param op the operation with its arguments
 * @param inputs shapes of its inputs
 * @param outputs shapes of its outputs
 * @param type element type of its first output
 * @param unused outputs, by number, that nobody reads
 */
public record OpShapes(
    DifferentialFunction op,
    List<long[]> inputs,
    List<long[]> outputs,
    DataType type,
    Set<Integer> unused) {
  public OpShapes {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    unused = Set.copyOf(unused);
  }

  static OpShapes of(OpCall call) {
    return new OpShapes(
        call.op(),
        call.inputs().stream().map(INDArray::shape).toList(),
        call.outputs().stream().map(INDArray::shape).toList(),
        call.outputs().get(0).dataType(),
        call.unused());
  }
}
