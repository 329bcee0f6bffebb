package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.OpContext;
import org.talespark.zoo.runtime.NativeMemory;

/**
 * One operation of a plan with its preallocated arrays.
 *
 * @param op the operation; for the older op classes axes and scalars are set on it
 * @param inputs what it reads
 * @param outputs what it writes
 * @param context for ND4J's operations their arrays, and for its custom ops their arguments; null
 *     for fused ops
 * @param unused outputs, by number, that nobody reads: a kernel may leave them as they are
 * @param scratch float32 memory for the kernel alone while it runs, as much as its provider asked
 *     for, or null
 */
public record OpCall(
    DifferentialFunction op,
    List<INDArray> inputs,
    List<INDArray> outputs,
    OpContext context,
    Set<Integer> unused,
    INDArray scratch) {
  public OpCall {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    unused = Set.copyOf(unused);
  }

  /** A call whose outputs are all read and whose kernel has no scratch memory. */
  public OpCall(
      DifferentialFunction op, List<INDArray> inputs, List<INDArray> outputs, OpContext context) {
    this(op, inputs, outputs, context, Set.of(), null);
  }

  /** A buffer over the elements of a float32 input, which is contiguous. */
  FloatBuffer input(int number) {
    return FloatMemory.of(inputs.get(number));
  }

  /** A buffer over the elements of a float32 output, which is contiguous. */
  FloatBuffer output(int number) {
    return FloatMemory.of(outputs.get(number));
  }

  /** Whether all arrays are float32 in C order without gaps. */
  boolean isPlainFloat() {
    return Stream.concat(inputs.stream(), outputs.stream())
        .allMatch(a -> a.dataType() == DataType.FLOAT && NativeMemory.isContiguous(a));
  }

  /** The operation's registered name, for example {@code conv2d_bp}. */
  public String opName() {
    return op.opName();
  }
}
