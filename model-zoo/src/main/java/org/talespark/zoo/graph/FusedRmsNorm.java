package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Root-mean-square normalisation (Zhang and Sennrich, arXiv:1910.07467, Eq. 4) with its gain in one
 * pass: y = gain x / sqrt(mean(x^2) + eps) over each row.
 *
 * <p>x [N, D], gain [D] -> y [N, D], and 1/sqrt(mean(x^2) + eps) [N], kept for the backward pass.
 */
final class FusedRmsNorm extends FusedOp {
  private static final int LEAST_ROWS = 32;

  private final double epsilon;

  private FusedRmsNorm(SDVariable x, SDVariable gain, double epsilon) {
    super("talespark_rms_norm", List.of(x, gain), 2);
    this.epsilon = epsilon;
  }

  static SDVariable apply(SDVariable x, SDVariable gain, double epsilon) {
    return new FusedRmsNorm(x, gain, epsilon).output();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    long[] gain = inputShapes.get(1);
    if (x.length != 2 || gain.length != 1 || gain[0] != x[1]) {
      throw new IllegalArgumentException(
          "Cannot normalise rows: shape=%s gain=%s, expected [N, D] and [D]"
              .formatted(Arrays.toString(x), Arrays.toString(gain)));
    }
    return List.of(x, new long[] {x[0]});
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    SDVariable inverses = outputVariables()[1];
    Backward backward = new Backward(List.of(arg(0), arg(1), inverses, outputGradients.get(0)));
    return List.of(backward.outputVariables());
  }

  /** The rows of x, and the gain of each column. */
  private record Rows(FloatBuffer x, FloatBuffer gains, int width) {
    static Rows of(OpCall call) {
      return new Rows(call.input(0), call.input(1), (int) call.inputs().get(0).size(1));
    }

    Kernel parts(Parts.OfRows part) {
      return Parts.ofRows(count(), LEAST_ROWS, part);
    }

    int mostParts() {
      return Parts.most(count(), LEAST_ROWS);
    }

    private int count() {
      return x.capacity() / width;
    }
  }

  @Override
  Kernel kernel(OpCall call) {
    Rows rows = Rows.of(call);
    int width = rows.width();
    FloatBuffer y = call.output(0);
    FloatBuffer inverses = call.output(1);
    return rows.parts(
        (part, from, to) -> {
          float[] gain = new float[width];
          float[] row = new float[width];
          return () -> {
            rows.gains().get(0, gain, 0, width);
            for (int r = from; r < to; r++) {
              rows.x().get(r * width, row, 0, width);
              double mean = FloatMemory.dot(row, row, 0, width) / (double) width;
              float inverse = (float) (1 / Math.sqrt(mean + epsilon));
              for (int i = 0; i < width; i++) {
                row[i] = row[i] * inverse * gain[i];
              }
              y.put(r * width, row, 0, width);
              inverses.put(r, inverse);
            }
          };
        });
  }

  /** With xh = x / rms and u = gain dy: dx = (u - xh mean(u xh)) / rms, dgain = sum(dy xh). */
  private static final class Backward extends FusedOp {

    Backward(List<SDVariable> inputs) {
      super("talespark_rms_norm_bp", inputs, 2);
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return inputShapes.subList(0, 2);
    }

    @Override
    Kernel kernel(OpCall call) {
      Rows rows = Rows.of(call);
      int width = rows.width();
      FloatBuffer inverses = call.input(2);
      FloatBuffer dy = call.input(3);
      FloatBuffer dx = call.output(0);
      FloatBuffer dGains = call.output(1);
      float[][] sums = new float[rows.mostParts()][width]; // one a part
      Kernel perRow =
          rows.parts(
              (part, from, to) -> {
                float[] sum = sums[part];
                float[] gain = new float[width];
                float[] normal = new float[width];
                float[] gradient = new float[width];
                return () -> {
                  Arrays.fill(sum, 0);
                  rows.gains().get(0, gain, 0, width);
                  for (int r = from; r < to; r++) {
                    rows.x().get(r * width, normal, 0, width);
                    dy.get(r * width, gradient, 0, width);
                    float inverse = inverses.get(r);
                    for (int i = 0; i < width; i++) {
                      normal[i] *= inverse;
                    }
                    for (int i = 0; i < width; i++) {
                      sum[i] += gradient[i] * normal[i];
                    }
                    for (int i = 0; i < width; i++) {
                      gradient[i] *= gain[i];
                    }
                    float mean = FloatMemory.dot(gradient, normal, 0, width) / width;
                    for (int i = 0; i < width; i++) {
                      gradient[i] = inverse * (gradient[i] - normal[i] * mean);
                    }
                    dx.put(r * width, gradient, 0, width);
                  }
                };
              });
      float[] total = new float[width];
      Kernel add =
          () -> {
            Arrays.fill(total, 0);
            for (float[] sum : sums) {
              for (int i = 0; i < width; i++) {
                total[i] += sum[i];
              }
            }
            dGains.put(0, total, 0, width);
          };
      return Parts.sequence(List.of(perRow, add));
    }
  }
}
