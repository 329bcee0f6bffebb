package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Cross-entropy of each row without an array of ones and zeros: loss = log(sum(exp(x))) - x[label].
 * Rows whose loss has no gradient are left out of the backward pass.
 *
 * <p>x [N, K], int32 labels [N] -> losses [N], and log(sum(exp(x))) [N], kept for the backward
 * pass.
 */
final class FusedCrossEntropy extends FusedOp {
  private static final int LEAST_ROWS = 32;

  private FusedCrossEntropy(SDVariable x, SDVariable labels) {
    super("talespark_cross_entropy", List.of(x, labels), 2);
  }

  static SDVariable apply(SDVariable x, SDVariable labels) {
    return new FusedCrossEntropy(x, labels).output();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    long[] labels = inputShapes.get(1);
    if (x.length != 2 || labels.length != 1 || labels[0] != x[0]) {
      throw new IllegalArgumentException(
          "Cannot take cross-entropy: shape=%s labels=%s, expected [N, K] and [N]"
              .formatted(Arrays.toString(x), Arrays.toString(labels)));
    }
    return List.of(labels, labels);
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    SDVariable logSums = outputVariables()[1];
    return List.of(new Backward(List.of(arg(0), arg(1), logSums, outputGradients.get(0))).output());
  }

  /** The rows of x, and the label of each. */
  private record Rows(FloatBuffer x, IntBuffer labels, int classes) {
    static Rows of(OpCall call) {
      int classes = (int) call.inputs().get(0).size(1);
      return new Rows(call.input(0), FloatMemory.bits(call.inputs().get(1)), classes);
    }

    Kernel parts(Parts.OfRows part) {
      return Parts.ofRows(labels.capacity(), LEAST_ROWS, part);
    }

    int label(int row) {
      int label = labels.get(row);
      if (label < 0 || label >= classes) {
        throw new IllegalArgumentException(
            "Cannot take cross-entropy: row=%d label=%d, expected 0 to %d"
                .formatted(row, label, classes - 1));
      }
      return label;
    }
  }

  /** exp(x - shift) of a row, in place. */
  private static void exponentials(FastExp exp, float[] x, float shift) {
    for (int i = 0; i < x.length; i++) {
      x[i] -= shift;
    }
    for (int at = 0; at < x.length; at += FastExp.BLOCK) {
      exp.apply(x, at, Math.min(FastExp.BLOCK, x.length - at));
    }
  }

  @Override
  Kernel kernel(OpCall call) {
    Rows rows = Rows.of(call);
    FloatBuffer losses = call.output(0);
    FloatBuffer logSums = call.output(1);
    int classes = rows.classes();
    return rows.parts(
        (part, from, to) -> {
          float[] x = new float[classes];
          FastExp exp = new FastExp();
          return () -> {
            for (int row = from; row < to; row++) {
              rows.x().get(row * classes, x, 0, classes);
              float atLabel = x[rows.label(row)];
              float most = FloatMemory.max(x, 0, classes);
              exponentials(exp, x, most);
              double logSum = most + Math.log(FloatMemory.sum(x, 0, classes));
              logSums.put(row, (float) logSum);
              losses.put(row, (float) (logSum - atLabel));
            }
          };
        });
  }

  /** dx = dloss (softmax(x) - one at the label). */
  private static final class Backward extends FusedOp {

    Backward(List<SDVariable> inputs) {
      super("talespark_cross_entropy_bp", inputs, 1);
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return inputShapes.subList(0, 1);
    }

    @Override
    Kernel kernel(OpCall call) {
      Rows rows = Rows.of(call);
      FloatBuffer logSums = call.input(2);
      FloatBuffer gradients = call.input(3);
      FloatBuffer out = call.output(0);
      int classes = rows.classes();
      return rows.parts(
          (part, from, to) -> {
            float[] x = new float[classes];
            FastExp exp = new FastExp();
            return () -> {
              for (int row = from; row < to; row++) {
                float g = gradients.get(row);
                if (g == 0) {
                  Arrays.fill(x, 0);
                } else {
                  rows.x().get(row * classes, x, 0, classes);
                  exponentials(exp, x, logSums.get(row));
                  x[rows.labels().get(row)] -= 1;
                  for (int i = 0; i < classes; i++) {
                    x[i] *= g;
                  }
                }
                out.put(row * classes, x, 0, classes);
              }
            };
          });
    }
  }
}
