package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Batched matrix products, such as attention's, with the batch shared out among threads: {@code
 * matmul} and {@code matmul_bp} of arrays of rank 3 or more with equal batch sides.
 *
 * <p>ND4J multiplies the matrices of a batch one after another, each with as many threads as
 * OpenBLAS has; matrices of that size are too small to gain from threads. Here each thread gets a
 * run of whole matrices, and every matrix goes through the same call as before, so results are
 * bit-equal to ND4J's.
 */
final class BatchedProductKernels implements KernelProvider {
  private final int threads;
  private final KernelProvider parts;

  /**
   * Kernels on this many threads, the caller's included.
   *
   * @param parts binds the calls for the parts of a batch
   */
  BatchedProductKernels(int threads, KernelProvider parts) {
    this.threads = threads;
    this.parts = parts;
  }

  @Override
  public Optional<Kernel> bind(OpCall call) {
    if (!known(call)) {
      return Optional.empty();
    }
    int batch = Math.toIntExact(call.outputs().get(0).size(0));
    int count = Math.min(threads, batch);
    Kernel[] kernels = new Kernel[count];
    for (int i = 0; i < count; i++) {
      OpCall part = part(call, batch * i / count, batch * (i + 1) / count);
      Optional<Kernel> kernel = parts.bind(part);
      if (kernel.isEmpty()) {
        return Optional.empty();
      }
      kernels[i] = kernel.get();
    }
    return Optional.of(together(kernels));
  }

  private boolean known(OpCall call) {
    if (threads < 2 || !Set.of("matmul", "matmul_bp").contains(call.opName())) {
      return false;
    }
    List<INDArray> arrays = new ArrayList<>(call.inputs());
    arrays.addAll(call.outputs());
    long[] batch = batch(arrays.get(0));
    return batch.length > 0
        && batch[0] > 1
        && arrays.stream().allMatch(array -> Arrays.equals(batch(array), batch));
  }

  /** The sides before the matrices'. */
  private static long[] batch(INDArray array) {
    return Arrays.copyOf(array.shape(), Math.max(0, array.rank() - 2));
  }

  private static OpCall part(OpCall call, int from, int to) {
    List<INDArray> inputs = call.inputs().stream().map(a -> rows(a, from, to)).toList();
    List<INDArray> outputs = call.outputs().stream().map(a -> rows(a, from, to)).toList();
    OpContext context = Nd4j.getExecutioner().buildContext();
    DynamicCustomOp op = (DynamicCustomOp) call.op();
    Lowering.parameterize(op, inputs.toArray(INDArray[]::new), context);
    for (int i = 0; i < outputs.size(); i++) {
      context.setOutputArray(i, outputs.get(i));
    }
    return new OpCall(op, inputs, outputs, context);
  }

  /** A view of some of the first side's indices, of the same rank. */
  private static INDArray rows(INDArray array, long from, long to) {
    long[] shape = array.shape().clone();
    long each = array.length() / shape[0];
    shape[0] = to - from;
    INDArrayIndex[] indices = {NDArrayIndex.interval(from * each, to * each)};
    return Views.view(array.reshape(array.length()).get(indices), 0, shape);
  }

  /** Runs the first kernel on the caller's thread and the others beside it. */
  private static Kernel together(Kernel[] kernels) {
    return () -> {
      ForkJoinTask<?>[] others = new ForkJoinTask<?>[kernels.length - 1];
      for (int i = 0; i < others.length; i++) {
        others[i] = ForkJoinPool.commonPool().submit(kernels[i + 1]::run);
      }
      try {
        kernels[0].run();
      } finally {
        for (ForkJoinTask<?> other : others) {
          other.quietlyJoin(); // nobody may write to the plan's arrays after this
        }
      }
      for (ForkJoinTask<?> other : others) {
        other.join();
      }
    };
  }
}
