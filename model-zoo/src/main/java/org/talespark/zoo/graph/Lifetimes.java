package org.talespark.zoo.graph;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.ops.TransformOp;

/** From which step to which a plan's arrays are alive, and which of them may share one buffer. */
final class Lifetimes {
  /** Custom ops that compute each element from the same element of their inputs. */
  private static final Set<String> ELEMENT_WISE =
      Set.of(
          "add",
          "subtract",
          "multiply",
          "divide",
          "relu",
          "relu_bp",
          "sigmoid_bp",
          "tanh_bp",
          "lrelu_bp",
          "swish",
          "gelu");

  private Lifetimes() {}

  /** Sets the first and the last step of every array. */
  static void find(List<Node> nodes) {
    for (int i = 0; i < nodes.size(); i++) {
      for (Value input : nodes.get(i).inputs) {
        input.root().last = Math.max(input.root().last, i);
      }
      for (Value output : nodes.get(i).outputs) {
        output.first = Math.min(output.first, i);
        output.last = Math.max(output.last, i);
      }
    }
  }

  /** Marks nodes whose output may overwrite an input, and joins the two lifetimes. */
  static int shareInPlace(List<Node> nodes) {
    int count = 0;
    for (int i = 0; i < nodes.size(); i++) {
      Node node = nodes.get(i);
      boolean elementWise =
          ELEMENT_WISE.contains(node.op.opName())
              || node.op instanceof TransformOp
              || (node.op instanceof FusedOp fused && fused.inPlace());
      if (!elementWise || node.outputs.size() != 1 || !node.outputs.get(0).inArena()) {
        continue;
      }
      Value output = node.outputs.get(0);
      for (Value input : node.inputs) {
        Value root = input.root();
        if (root.inArena()
            && root.last == i
            && root.first < i
            && root.type == output.type
            && Arrays.equals(input.shape, output.shape)
            && root.length() == output.length()
            && othersAreDisjoint(node, root, output)) {
          node.inPlace = true;
          output.base = root;
          root.last = output.last;
          count++;
          break;
        }
      }
    }
    return count;
  }

  /** A broadcast input must not be the array that is overwritten. */
  private static boolean othersAreDisjoint(Node node, Value root, Value output) {
    return node.inputs.stream()
        .allMatch(v -> v.root() != root || Arrays.equals(v.shape, output.shape));
  }

  /** Lets all arrays of a run live together, which its parts write at different times. */
  static void joinRuns(List<Node> nodes) {
    for (int i = 0; i < nodes.size(); i++) {
      BatchRun run = nodes.get(i).run;
      if (run != null && run.beginsWith(nodes.get(i))) {
        run.joinLifetimes(i);
      }
    }
  }
}
