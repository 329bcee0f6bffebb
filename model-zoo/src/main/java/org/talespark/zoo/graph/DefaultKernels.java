package org.talespark.zoo.graph;

import java.util.Optional;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * ND4J's own kernels: exactly those that SameDiff's interpreter would call, with the same
 * arguments, so results are bit-equal to the interpreter's; and the kernels of fused operations,
 * which the interpreter does not know.
 */
final class DefaultKernels implements KernelProvider {

  @Override
  public Optional<Kernel> bind(OpCall call) {
    if (call.op() instanceof FusedOp fused) {
      return Optional.of(fused.kernel(call));
    }
    OpContext context = call.context();
    if (call.op() instanceof CustomOp op) {
      NativeOps ops = NativeOpsHolder.getInstance().getDeviceNativeOps();
      long hash = op.opHash();
      // the shapes were inferred when the plan was made
      context.shapeFunctionOverride(true);
      return Optional.of(
          () -> {
            if (ops.execCustomOp2(null, hash, context.contextPointer()) != 0) {
              throw new IllegalStateException(
                  "Cannot run operation: op=%s, ND4J says: %s"
                      .formatted(call.opName(), ops.lastErrorMessage()));
            }
          });
    }
    return LegacyKernels.bind(call).or(() -> Optional.of(executed((Op) call.op(), context)));
  }

  private static Kernel executed(Op op, OpContext context) {
    OpExecutioner executioner = Nd4j.getExecutioner();
    return () -> executioner.exec(op, context);
  }
}
