package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.ScalarOp;

/**
 * Finds runs of operations over one batch of matrices, such as attention's scores, their scale, the
 * softmax and the product with the values. A run is carried out matrix by matrix ({@link
 * BatchRun}), so that the matrices of one head stay in the processor's cache from one operation to
 * the next, and heads are shared out among threads.
 */
final class BatchRuns {
  private static final Set<String> PRODUCTS = Set.of("matmul", "matmul_bp");
  private static final Set<String> ROW_WISE = Set.of("softmax", "softmax_bp");
  private static final Set<String> ELEMENT_WISE = Set.of("add", "subtract", "multiply", "divide");

  /** How many operations that do not belong to a run may lie between two that do. */
  private static final int MOST_BETWEEN = 8;

  private BatchRuns() {}

  /**
   * Puts the operations of each run one behind another and marks them with it. An operation moves
   * forward only past others whose results it does not need.
   */
  static List<Node> gather(List<Node> nodes) {
    List<Node> ordered = new ArrayList<>(nodes.size());
    Set<Node> placed = new HashSet<>();
    for (int i = 0; i < nodes.size(); i++) {
      if (placed.contains(nodes.get(i))) {
        continue;
      }
      List<Node> members = members(nodes, i, placed);
      if (members.stream().anyMatch(n -> PRODUCTS.contains(n.op.opName()))) {
        BatchRun run = new BatchRun(batch(members.get(0)), members);
        members.forEach(n -> n.run = run);
        ordered.addAll(members);
        placed.addAll(members);
      } else {
        ordered.add(nodes.get(i));
      }
    }
    return ordered;
  }

  /** The run that begins at an operation; empty when that one cannot be part of a run. */
  private static List<Node> members(List<Node> nodes, int first, Set<Node> placed) {
    List<Node> members = new ArrayList<>();
    long[] batch = batch(nodes.get(first));
    if (batch.length == 0) {
      return members;
    }
    members.add(nodes.get(first));
    Set<Value> skipped = new HashSet<>(); // results of operations in between
    int between = 0;
    for (int i = first + 1; i < nodes.size() && between < MOST_BETWEEN; i++) {
      Node node = nodes.get(i);
      if (placed.contains(node)) {
        continue;
      }
      boolean fits =
          node.late == nodes.get(first).late
              && Arrays.equals(batch(node), batch)
              && node.inputs.stream().noneMatch(v -> skipped.contains(v.root()));
      if (fits) {
        members.add(node);
      } else {
        node.outputs.forEach(v -> skipped.add(v.root()));
        between++;
      }
    }
    return members;
  }

  /** The sides before the matrices' of an operation that can be carried out matrix by matrix. */
  private static long[] batch(Node node) {
    Value output = node.outputs.get(0);
    long[] batch = batch(output);
    boolean each =
        node.inputs.stream().allMatch(v -> hasBatch(v, batch))
            && node.outputs.stream().allMatch(v -> hasBatch(v, batch));
    return batch.length > 0 && Views.length(batch) > 1 && known(node, each) ? batch : new long[0];
  }

  private static boolean known(Node node, boolean each) {
    String name = node.op.opName();
    if (node.op instanceof ScalarOp scalar) {
      return each && scalar.dimensions() == null && node.inputs.size() == 1;
    }
    if (node.op instanceof FusedOp fused) {
      return each && fused.matrixWise();
    }
    if (!(node.op instanceof DynamicCustomOp custom)) {
      return false;
    }
    if (ROW_WISE.contains(name)) {
      long[] axes = custom.iArgs();
      int rank = node.outputs.get(0).shape.length;
      boolean last =
          axes.length == 0 || (axes.length == 1 && (axes[0] == -1 || axes[0] == rank - 1));
      return each && last;
    }
    return PRODUCTS.contains(name) ? each : ELEMENT_WISE.contains(name) && shapesFit(node);
  }

  /** Whether each input has the output's batch, or is the same for every matrix of it. */
  private static boolean shapesFit(Node node) {
    long[] batch = batch(node.outputs.get(0));
    return node.inputs.stream()
        .allMatch(v -> hasBatch(v, batch) || (v.shape.length >= 2 && Views.length(batch(v)) == 1));
  }

  static boolean hasBatch(Value value, long[] batch) {
    return value.shape.length == batch.length + 2 && Arrays.equals(batch(value), batch);
  }

  private static long[] batch(Value value) {
    return Arrays.copyOf(value.shape, Math.max(0, value.shape.length - 2));
  }
}
