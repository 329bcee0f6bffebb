package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The weights of attention in one pass: softmax(scale x) over each row, over those keys whose mask
 * is one; the others' weights are zero. A row without any key that counts has no weight at all.
 *
 * <p>x [.., T, S], mask [.., 1, S] of ones and zeros, or none -> y [.., T, S].
 */
final class FusedSoftmax extends FusedOp {
  private static final float UNSEEN = 1e9f;

  private final float scale;

  private FusedSoftmax(List<SDVariable> inputs, double scale) {
    super("talespark_softmax", inputs, 1);
    if (!(scale > 0)) {
      throw new IllegalArgumentException(
          "Cannot take softmax: scale=%s, expected more than 0".formatted(scale));
    }
    this.scale = (float) scale;
  }

  /** With a mask, or with null where every key counts. */
  static SDVariable apply(SDVariable x, SDVariable mask, double scale) {
    return new FusedSoftmax(mask == null ? List.of(x) : List.of(x, mask), scale).output();
  }

  @Override
  boolean matrixWise() {
    return true;
  }

  @Override
  boolean inPlace() {
    return true;
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    long[] mask = x.clone();
    if (x.length >= 2) {
      mask[x.length - 2] = 1;
    }
    if (x.length < 2 || (inputShapes.size() > 1 && !Arrays.equals(inputShapes.get(1), mask))) {
      throw new IllegalArgumentException(
          "Cannot take softmax: shapes=%s, expected [.., T, S] and a mask of [.., 1, S]"
              .formatted(inputShapes.stream().map(Arrays::toString).toList()));
    }
    return inputShapes.subList(0, 1);
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    return List.of(new Backward(output(), outputGradients.get(0), scale).output());
  }

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer in = FloatMemory.of(call.inputs().get(0));
    FloatBuffer out = FloatMemory.of(call.outputs().get(0));
    FloatBuffer masks = call.inputs().size() > 1 ? FloatMemory.of(call.inputs().get(1)) : null;
    int keys = (int) call.inputs().get(0).size(-1);
    int rows = (int) call.inputs().get(0).size(-2);
    int matrices = in.capacity() / (rows * keys);
    int together = Math.max(1, FastExp.BLOCK / keys);
    float[] x = new float[together * keys];
    float[] counts = new float[keys];
    float[] penalty = new float[keys];
    FastExp exp = new FastExp();
    return () -> {
      for (int matrix = 0; matrix < matrices; matrix++) {
        if (masks != null) {
          masks.get(matrix * keys, counts, 0, keys);
          for (int t = 0; t < keys; t++) {
            penalty[t] = (counts[t] - 1) * UNSEEN;
          }
        }
        for (int row = 0; row < rows; row += together) {
          int count = Math.min(together, rows - row);
          int at = (matrix * rows + row) * keys;
          in.get(at, x, 0, count * keys);
          for (int r = 0; r < count; r++) {
            shift(x, r * keys, penalty);
          }
          for (int i = 0; i < count * keys; i += FastExp.BLOCK) {
            exp.apply(x, i, Math.min(FastExp.BLOCK, count * keys - i));
          }
          for (int r = 0; r < count; r++) {
            divide(x, r * keys, counts, masks != null);
          }
          out.put(at, x, 0, count * keys);
        }
      }
    };
  }

  /** Scales a row and takes away its largest element. */
  private void shift(float[] x, int from, float[] penalty) {
    for (int t = 0; t < penalty.length; t++) {
      x[from + t] = x[from + t] * scale + penalty[t];
    }
    float largest = FloatMemory.max(x, from, penalty.length);
    for (int i = from; i < from + penalty.length; i++) {
      x[i] -= largest;
    }
  }

  /** Leaves out what does not count, and divides the rest by its sum. */
  private static void divide(float[] x, int from, float[] counts, boolean masked) {
    int keys = counts.length;
    if (masked) {
      for (int t = 0; t < keys; t++) {
        x[from + t] *= counts[t];
      }
    }
    float sum = FloatMemory.sum(x, from, keys);
    float inverse = sum == 0 ? 0 : 1 / sum;
    for (int i = from; i < from + keys; i++) {
      x[i] *= inverse;
    }
  }

  /** dx = scale y (dy - sum(y dy)). */
  private static final class Backward extends FusedOp {
    private final float scale;

    Backward(SDVariable y, SDVariable gradient, float scale) {
      super("talespark_softmax_bp", List.of(y, gradient), 1);
      this.scale = scale;
    }

    @Override
    boolean matrixWise() {
      return true;
    }

    @Override
    boolean inPlace() {
      return true;
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return inputShapes.subList(0, 1);
    }

    @Override
    Kernel kernel(OpCall call) {
      FloatBuffer ys = FloatMemory.of(call.inputs().get(0));
      FloatBuffer dy = FloatMemory.of(call.inputs().get(1));
      FloatBuffer dx = FloatMemory.of(call.outputs().get(0));
      int keys = (int) call.inputs().get(0).size(-1);
      int rows = ys.capacity() / keys;
      int together = Math.max(1, FastExp.BLOCK / keys);
      float[] y = new float[together * keys];
      float[] g = new float[together * keys];
      return () -> {
        for (int row = 0; row < rows; row += together) {
          int count = Math.min(together, rows - row);
          ys.get(row * keys, y, 0, count * keys);
          dy.get(row * keys, g, 0, count * keys);
          for (int r = 0; r < count; r++) {
            int from = r * keys;
            float mean = FloatMemory.dot(y, g, from, keys);
            for (int i = from; i < from + keys; i++) {
              g[i] = scale * y[i] * (g[i] - mean);
            }
          }
          dx.put(row * keys, g, 0, count * keys);
        }
      };
    }
  }
}
