package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The gated unit GEGLU (Shazeer 2020, arXiv:2002.05202, Eq. 6) without its product, in one pass:
 * each row holds values and, behind them, their gates; y = value gate Phi(gate).
 *
 * <p>x [N, 2F] -> y [N, F].
 */
final class FusedGeGlu extends FusedOp {
  private static final int BLOCK = NormalDistribution.BLOCK;
  private static final int LEAST_ELEMENTS = 8192;

  private FusedGeGlu(SDVariable x) {
    super("talespark_geglu", List.of(x), 1);
  }

  static SDVariable apply(SDVariable x) {
    return new FusedGeGlu(x).output();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    if (x.length != 2 || x[1] % 2 != 0) {
      throw new IllegalArgumentException(
          "Cannot take GEGLU: shape=%s, expected [N, 2F]".formatted(Arrays.toString(x)));
    }
    return List.of(new long[] {x[0], x[1] / 2});
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    return List.of(new Backward(arg(0), outputGradients.get(0)).output());
  }

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer x = FloatMemory.of(call.inputs().get(0));
    FloatBuffer y = FloatMemory.of(call.outputs().get(0));
    int rows = (int) call.outputs().get(0).size(0);
    int width = (int) call.outputs().get(0).size(1);
    return Parts.ofRows(
        rows,
        leastRows(width),
        (part, from, to) -> {
          float[] value = new float[BLOCK];
          float[] gate = new float[BLOCK];
          float[] probability = new float[BLOCK];
          float[] density = new float[BLOCK];
          NormalDistribution normal = new NormalDistribution();
          return () -> {
            for (int r = from; r < to; r++) {
              for (int at = 0; at < width; at += BLOCK) {
                int n = Math.min(BLOCK, width - at);
                x.get(2 * r * width + at, value, 0, n);
                x.get((2 * r + 1) * width + at, gate, 0, n);
                normal.apply(gate, probability, density, n);
                for (int i = 0; i < n; i++) {
                  value[i] *= gate[i] * probability[i];
                }
                y.put(r * width + at, value, 0, n);
              }
            }
          };
        });
  }

  private static int leastRows(int width) {
    return Math.max(1, LEAST_ELEMENTS / width);
  }

  /** Of the value dy gate Phi(gate), of the gate dy value (Phi(gate) + gate phi(gate)). */
  private static final class Backward extends FusedOp {

    Backward(SDVariable x, SDVariable gradient) {
      super("talespark_geglu_bp", List.of(x, gradient), 1);
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return inputShapes.subList(0, 1);
    }

    @Override
    Kernel kernel(OpCall call) {
      FloatBuffer x = FloatMemory.of(call.inputs().get(0));
      FloatBuffer dy = FloatMemory.of(call.inputs().get(1));
      FloatBuffer dx = FloatMemory.of(call.outputs().get(0));
      int rows = (int) call.inputs().get(1).size(0);
      int width = (int) call.inputs().get(1).size(1);
      return Parts.ofRows(
          rows,
          leastRows(width),
          (part, from, to) -> {
            float[] value = new float[BLOCK];
            float[] gate = new float[BLOCK];
            float[] g = new float[BLOCK];
            float[] probability = new float[BLOCK];
            float[] density = new float[BLOCK];
            NormalDistribution normal = new NormalDistribution();
            return () -> {
              for (int r = from; r < to; r++) {
                for (int at = 0; at < width; at += BLOCK) {
                  int n = Math.min(BLOCK, width - at);
                  x.get(2 * r * width + at, value, 0, n);
                  x.get((2 * r + 1) * width + at, gate, 0, n);
                  dy.get(r * width + at, g, 0, n);
                  normal.apply(gate, probability, density, n);
                  for (int i = 0; i < n; i++) {
                    value[i] *= g[i] * (probability[i] + gate[i] * density[i]);
                  }
                  for (int i = 0; i < n; i++) {
                    g[i] *= gate[i] * probability[i];
                  }
                  dx.put(2 * r * width + at, g, 0, n);
                  dx.put((2 * r + 1) * width + at, value, 0, n);
                }
              }
            };
          });
    }
  }
}
