package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.OpContext;

/**
 * Operations over one batch of matrices, carried out a few matrices at a time, on all threads.
 *
 * <p>Every matrix goes through the same calls as it would in the whole batch, so results are
 * bit-equal to it.
 */
final class BatchRun {
  /** Matrices are taken together until the largest array's part has this size. */
  private static final long PART_BYTES = 256 << 10;

  private final long[] batch;
  private final List<Node> nodes;

  /**
   * A run.
   *
   * @param batch sides before the matrices'
   * @param nodes its operations, in the order of the plan
   */
  BatchRun(long[] batch, List<Node> nodes) {
    this.batch = batch;
    this.nodes = List.copyOf(nodes);
  }

  boolean beginsWith(Node node) {
    return nodes.get(0) == node;
  }

  List<Node> nodes() {
    return nodes;
  }

  /** Makes every array that the run touches live from its first operation to its last. */
  void joinLifetimes(int first) {
    int last = first + nodes.size() - 1;
    for (Node node : nodes) {
      List<Value> touched = new ArrayList<>(node.inputs);
      touched.addAll(node.outputs);
      for (Value value : touched) {
        Value root = value.root();
        if (root.last >= first && root.last < last) {
          root.last = last;
        }
        if (root.first > first && root.first <= last) {
          root.first = first;
        }
      }
    }
  }

  /** One kernel for all operations; their arrays must exist. */
  Kernel kernel(KernelProvider provider, int threads) {
    int matrices = Math.toIntExact(Views.length(batch));
    long largest = 1;
    for (Node node : nodes) {
      for (Value output : node.outputs) {
        largest = Math.max(largest, output.bytes() / matrices);
      }
    }
    int together = (int) Math.max(1, Math.min(matrices, PART_BYTES / largest));
    int count = Math.max(Math.min(threads, matrices), (matrices + together - 1) / together);
    Kernel[] parts = new Kernel[count];
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) matrices * i / count);
      int to = (int) ((long) matrices * (i + 1) / count);
      parts[i] = part(provider, from, to);
    }
    return Parts.shared(parts, threads);
  }

  private Kernel part(KernelProvider provider, int from, int to) {
    List<Kernel> kernels = new ArrayList<>();
    for (Node node : nodes) {
      List<INDArray> in = node.inputs.stream().map(v -> matrices(v, from, to)).toList();
      List<INDArray> out = node.outputs.stream().map(v -> matrices(v, from, to)).toList();
      OpContext context = node.op instanceof FusedOp ? null : Lowering.context(node.op, in, out);
      kernels.add(provider.bind(new OpCall(node.op, in, out, context)).orElseThrow());
    }
    return Parts.sequence(kernels);
  }

  /** A view of some matrices, of the same rank; what is the same for every matrix stays whole. */
  private INDArray matrices(Value value, long from, long to) {
    if (!BatchRuns.hasBatch(value, batch)) {
      return value.array;
    }
    long each = value.length() / Views.length(batch);
    long[] shape = value.shape.clone();
    Arrays.fill(shape, 0, batch.length - 1, 1);
    shape[batch.length - 1] = to - from;
    return Views.part(value.array, from * each, shape);
  }

  /** What an operation does that the first one's kernel has done already. */
  static Kernel nothing() {
    return () -> {};
  }
}
