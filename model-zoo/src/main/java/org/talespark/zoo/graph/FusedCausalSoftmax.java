package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The weights of causal attention in one pass: softmax(scale x) over each row, without the keys
 * that come after the row's own position, whose weights are zero.
 *
 * <p>x [.., R, T] -> y [.., R, T]; R is a multiple of T, and row r stands at position r mod T.
 */
final class FusedCausalSoftmax extends FusedOp {
  private final float scale;

  private FusedCausalSoftmax(SDVariable x, double scale) {
    super("talespark_causal_softmax", List.of(x), 1);
    if (!(scale > 0)) {
      throw new IllegalArgumentException(
          "Cannot take causal softmax: scale=%s, expected more than 0".formatted(scale));
    }
    this.scale = (float) scale;
  }

  static SDVariable apply(SDVariable x, double scale) {
    return new FusedCausalSoftmax(x, scale).output();
  }

  @Override
  boolean matrixWise() {
    return true;
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    if (x.length < 2 || x[x.length - 2] % x[x.length - 1] != 0) {
      throw new IllegalArgumentException(
          "Cannot take causal softmax: shape=%s, expected [.., R, T] with R a multiple of T"
              .formatted(Arrays.toString(x)));
    }
    return inputShapes;
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    return List.of(new Backward(output(), outputGradients.get(0), scale).output());
  }

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer in = call.input(0);
    FloatBuffer out = call.output(0);
    int tokens = (int) call.inputs().get(0).size(-1);
    int rows = in.capacity() / tokens;
    int together = Math.max(1, FastExp.BLOCK / tokens);
    float[] x = new float[together * tokens];
    float[] seen = new float[together * tokens]; // of each row what it sees, without gaps
    FastExp exp = new FastExp();
    return () -> {
      for (int row = 0; row < rows; row += together) {
        int count = Math.min(together, rows - row);
        in.get(row * tokens, x, 0, count * tokens);
        int all = 0;
        for (int r = 0; r < count; r++) {
          int n = (row + r) % tokens + 1;
          shift(x, r * tokens, seen, all, n);
          all += n;
        }
        for (int at = 0; at < all; at += FastExp.BLOCK) {
          exp.apply(seen, at, Math.min(FastExp.BLOCK, all - at));
        }
        int at = 0;
        for (int r = 0; r < count; r++) {
          int n = (row + r) % tokens + 1;
          divide(seen, at, x, r * tokens, n);
          Arrays.fill(x, r * tokens + n, (r + 1) * tokens, 0);
          at += n;
        }
        out.put(row * tokens, x, 0, count * tokens);
      }
    };
  }

  /** Scales {@code n} elements and takes away the largest. */
  private void shift(float[] x, int from, float[] to, int at, int n) {
    float shift = -scale * FloatMemory.max(x, from, n);
    for (int i = 0; i < n; i++) {
      to[at + i] = x[from + i] * scale + shift;
    }
  }

  private static void divide(float[] x, int from, float[] to, int at, int n) {
    float inverse = 1 / FloatMemory.sum(x, from, n);
    for (int i = 0; i < n; i++) {
      to[at + i] = x[from + i] * inverse;
    }
  }

  /** dx = scale y (dy - sum(y dy)). */
  private static final class Backward extends FusedOp {
    private final float scale;

    Backward(SDVariable y, SDVariable gradient, float scale) {
      super("talespark_causal_softmax_bp", List.of(y, gradient), 1);
      this.scale = scale;
    }

    @Override
    boolean matrixWise() {
      return true;
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return inputShapes.subList(0, 1);
    }

    @Override
    Kernel kernel(OpCall call) {
      FloatBuffer ys = call.input(0);
      FloatBuffer dy = call.input(1);
      FloatBuffer dx = call.output(0);
      int tokens = (int) call.inputs().get(0).size(-1);
      int rows = ys.capacity() / tokens;
      int together = Math.max(1, FastExp.BLOCK / tokens);
      float[] y = new float[together * tokens];
      float[] g = new float[together * tokens];
      return () -> {
        for (int row = 0; row < rows; row += together) {
          int count = Math.min(together, rows - row);
          ys.get(row * tokens, y, 0, count * tokens);
          dy.get(row * tokens, g, 0, count * tokens);
          for (int r = 0; r < count; r++) {
            int from = r * tokens;
            int seen = (row + r) % tokens + 1;
            float mean = FloatMemory.dot(y, g, from, seen);
            for (int i = from; i < from + seen; i++) {
              g[i] = scale * y[i] * (g[i] - mean);
            }
            Arrays.fill(g, from + seen, from + tokens, 0);
          }
          dx.put(row * tokens, g, 0, count * tokens);
        }
      };
    }
  }
}
