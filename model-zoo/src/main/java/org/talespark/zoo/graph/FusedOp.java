package org.talespark.zoo.graph;

import java.util.Collections;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * An operation that ND4J does not have: several of its operations in one pass over memory, for
 * float32. Only a {@link CompiledGraph} can run it. Each has a plain twin made of ND4J's
 * operations, which the tests hold it against, forward and backward.
 */
abstract class FusedOp extends GraphOp {

  FusedOp(String name, List<SDVariable> inputs, int outputs) {
    super(name, inputs, Collections.nCopies(outputs, DataType.FLOAT));
  }

  /** Shapes of the outputs for these shapes of the inputs. */
  abstract List<long[]> outputShapes(List<long[]> inputShapes);

  /**
   * Whether it can be carried out on some matrices of its arrays at a time: arrays have the same
   * sides before the last two, and a matrix of the output needs only those of the inputs at the
   * same place. Its kernel must then run on the caller's thread alone.
   */
  boolean matrixWise() {
    return false;
  }

  /**
   * Whether its output may lie where an input of the same shape lies: the kernel must have read an
   * element before it writes there, and not read it again.
   */
  boolean inPlace() {
    return false;
  }

  /** Binds the operation to its arrays, all contiguous and in C order. */
  abstract Kernel kernel(OpCall call);
}
