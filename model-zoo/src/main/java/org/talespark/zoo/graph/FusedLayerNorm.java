package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Layer normalisation (Ba 2016, arXiv:1607.06450) with gain and shift in one pass: y = (base +
 * gain) (x - mean) / sqrt(var + eps) + shift over each row. Gain and shift are the same for all
 * rows, or each sample, so and so many rows below each other, has its own: adaptive layer
 * normalisation (Peebles 2023, arXiv:2212.09748), there with base 1.
 *
 * <p>x [N, D], gain and shift [D] or [S, D], S a divisor of N -> y [N, D], and mean and 1/sqrt(var
 * + eps) [N], kept for the backward pass.
 */
final class FusedLayerNorm extends FusedOp {
  private static final int LEAST_ELEMENTS = 8192;

  private final float base;
  private final double epsilon;

  private FusedLayerNorm(
      SDVariable x, SDVariable gain, SDVariable shift, double base, double epsilon) {
    super("talespark_layer_norm", List.of(x, gain, shift), 3);
    this.base = (float) base;
    this.epsilon = epsilon;
  }

  static SDVariable apply(
      SDVariable x, SDVariable gain, SDVariable shift, double base, double epsilon) {
    return new FusedLayerNorm(x, gain, shift, base, epsilon).output();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    long[] gain = inputShapes.get(1);
    boolean fits =
        x.length == 2
            && (gain.length == 1 || gain.length == 2)
            && gain[gain.length - 1] == x[1]
            && (gain.length == 1 || x[0] % gain[0] == 0)
            && Arrays.equals(gain, inputShapes.get(2));
    if (!fits) {
      throw new IllegalArgumentException(
          "Cannot normalise rows: shapes=%s, expected [N, D] and twice [D] or [S, D], S a divisor of N"
              .formatted(inputShapes.stream().map(Arrays::toString).toList()));
    }
    return List.of(x, new long[] {x[0]}, new long[] {x[0]});
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    SDVariable[] saved = outputVariables();
    Backward backward =
        new Backward(List.of(arg(0), arg(1), saved[1], saved[2], outputGradients.get(0)), base);
    return List.of(backward.outputVariables());
  }

  @Override
  Kernel kernel(OpCall call) {
    int rows = (int) call.inputs().get(0).size(0);
    int width = (int) call.inputs().get(0).size(1);
    FloatBuffer x = FloatMemory.of(call.inputs().get(0));
    FloatBuffer gains = FloatMemory.of(call.inputs().get(1));
    FloatBuffer shifts = FloatMemory.of(call.inputs().get(2));
    FloatBuffer y = FloatMemory.of(call.outputs().get(0));
    FloatBuffer means = FloatMemory.of(call.outputs().get(1));
    FloatBuffer inverses = FloatMemory.of(call.outputs().get(2));
    int each = rows / (gains.capacity() / width);
    return Parts.ofRows(
        rows,
        leastRows(width),
        (part, from, to) -> {
          float[] gain = new float[width];
          float[] shift = new float[width];
          float[] row = new float[width];
          return () -> {
            int sample = -1;
            for (int r = from; r < to; r++) {
              if (r / each != sample) {
                sample = r / each;
                scaled(gains, sample, base, gain);
                shifts.get(sample * width, shift, 0, width);
              }
              x.get(r * width, row, 0, width);
              float mean = FloatMemory.sum(row, 0, width) / width;
              for (int i = 0; i < width; i++) {
                row[i] -= mean;
              }
              double variance = FloatMemory.dot(row, row, 0, width) / (double) width;
              float inverse = (float) (1 / Math.sqrt(variance + epsilon));
              for (int i = 0; i < width; i++) {
                row[i] = row[i] * inverse * gain[i] + shift[i];
              }
              y.put(r * width, row, 0, width);
              means.put(r, mean);
              inverses.put(r, inverse);
            }
          };
        });
  }

  private static void scaled(FloatBuffer gains, int sample, float base, float[] gain) {
    gains.get(sample * gain.length, gain, 0, gain.length);
    for (int i = 0; i < gain.length; i++) {
      gain[i] += base;
    }
  }

  private static int leastRows(int width) {
    return Math.max(1, LEAST_ELEMENTS / width);
  }

  /**
   * With xh = (x - mean) / deviation and u = (base + gain) dy: dx = (u - mean(u) - xh mean(u xh)) /
   * deviation, and for each sample dgain = sum(dy xh), dshift = sum(dy).
   */
  private static final class Backward extends FusedOp {
    private final float base;

    Backward(List<SDVariable> inputs, float base) {
      super("talespark_layer_norm_bp", inputs, 3);
      this.base = base;
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return List.of(inputShapes.get(0), inputShapes.get(1), inputShapes.get(1));
    }

    @Override
    Kernel kernel(OpCall call) {
      int rows = (int) call.inputs().get(0).size(0);
      int width = (int) call.inputs().get(0).size(1);
      FloatBuffer x = FloatMemory.of(call.inputs().get(0));
      FloatBuffer gains = FloatMemory.of(call.inputs().get(1));
      FloatBuffer means = FloatMemory.of(call.inputs().get(2));
      FloatBuffer inverses = FloatMemory.of(call.inputs().get(3));
      FloatBuffer dy = FloatMemory.of(call.inputs().get(4));
      FloatBuffer dx = FloatMemory.of(call.outputs().get(0));
      int length = gains.capacity(); // samples times width
      int each = rows / (length / width);
      int parts = Parts.most(rows, leastRows(width));
      float[][] ofGains = new float[parts][length];
      float[][] ofShifts = new float[parts][length];
      Kernel perRow =
          Parts.ofRows(
              rows,
              leastRows(width),
              (part, from, to) -> {
                float[] ofGain = ofGains[part];
                float[] ofShift = ofShifts[part];
                float[] gain = new float[width];
                float[] normal = new float[width];
                float[] g = new float[width];
                return () -> {
                  Arrays.fill(ofGain, 0);
                  Arrays.fill(ofShift, 0);
                  int sample = -1;
                  for (int r = from; r < to; r++) {
                    if (r / each != sample) {
                      sample = r / each;
                      scaled(gains, sample, base, gain);
                    }
                    x.get(r * width, normal, 0, width);
                    dy.get(r * width, g, 0, width);
                    float mean = means.get(r);
                    float inverse = inverses.get(r);
                    for (int i = 0; i < width; i++) {
                      normal[i] = (normal[i] - mean) * inverse;
                    }
                    addRow(g, normal, ofGain, ofShift, sample * width);
                    for (int i = 0; i < width; i++) {
                      g[i] *= gain[i];
                    }
                    float meanOfG = FloatMemory.sum(g, 0, width) / width;
                    float meanOfProduct = FloatMemory.dot(g, normal, 0, width) / width;
                    for (int i = 0; i < width; i++) {
                      g[i] = inverse * (g[i] - meanOfG - normal[i] * meanOfProduct);
                    }
                    dx.put(r * width, g, 0, width);
                  }
                };
              });
      return Parts.sequence(
          List.of(
              perRow,
              total(ofGains, FloatMemory.of(call.outputs().get(1))),
              total(ofShifts, FloatMemory.of(call.outputs().get(2)))));
    }

    private static void addRow(float[] g, float[] normal, float[] gain, float[] shift, int at) {
      for (int i = 0; i < g.length; i++) {
        gain[at + i] += g[i] * normal[i];
      }
      for (int i = 0; i < g.length; i++) {
        shift[at + i] += g[i];
      }
    }

    /** Adds up what the parts have found. */
    private static Kernel total(float[][] parts, FloatBuffer out) {
      int length = parts[0].length;
      float[] sum = new float[length];
      return () -> {
        System.arraycopy(parts[0], 0, sum, 0, length);
        for (int p = 1; p < parts.length; p++) {
          float[] part = parts[p];
          for (int i = 0; i < length; i++) {
            sum[i] += part[i];
          }
        }
        out.put(0, sum, 0, length);
      };
    }
  }
}
