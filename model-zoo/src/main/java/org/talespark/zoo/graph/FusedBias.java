package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The same numbers added to every row: x [N, D], bias [D] -> x + bias, and the bias's gradient, the
 * sums over the columns.
 */
final class FusedBias extends FusedOp {
  private static final int LEAST_ELEMENTS = 32768;

  private FusedBias(SDVariable x, SDVariable bias) {
    super("talespark_bias", List.of(x, bias), 1);
  }

  static SDVariable add(SDVariable x, SDVariable bias) {
    return new FusedBias(x, bias).output();
  }

  @Override
  boolean inPlace() {
    return true;
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    long[] bias = inputShapes.get(1);
    if (x.length != 2 || bias.length != 1 || bias[0] != x[1]) {
      throw new IllegalArgumentException(
          "Cannot add bias: shapes=%s, expected [N, D] and [D]"
              .formatted(inputShapes.stream().map(Arrays::toString).toList()));
    }
    return inputShapes.subList(0, 1);
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    SDVariable g = outputGradients.get(0);
    return List.of(g, new Sums(g).output());
  }

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer x = FloatMemory.of(call.inputs().get(0));
    FloatBuffer biases = FloatMemory.of(call.inputs().get(1));
    FloatBuffer y = FloatMemory.of(call.outputs().get(0));
    int width = biases.capacity();
    return Parts.ofRows(
        x.capacity() / width,
        Math.max(1, LEAST_ELEMENTS / width),
        (part, from, to) -> {
          float[] bias = new float[width];
          float[] row = new float[width];
          return () -> {
            biases.get(0, bias, 0, width);
            for (int r = from; r < to; r++) {
              x.get(r * width, row, 0, width);
              for (int i = 0; i < width; i++) {
                row[i] += bias[i];
              }
              y.put(r * width, row, 0, width);
            }
          };
        });
  }

  private static final class Sums extends FusedOp {
    private static final int LEAST_COLUMNS = 64;

    Sums(SDVariable gradient) {
      super("talespark_bias_bp", List.of(gradient), 1);
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return List.of(new long[] {inputShapes.get(0)[1]});
    }

    @Override
    Kernel kernel(OpCall call) {
      FloatBuffer g = FloatMemory.of(call.inputs().get(0));
      FloatBuffer sums = FloatMemory.of(call.outputs().get(0));
      int width = sums.capacity();
      int rows = g.capacity() / width;
      return Parts.ofRows(
          width,
          Math.max(LEAST_COLUMNS, LEAST_ELEMENTS / rows),
          (part, from, to) -> {
            float[] row = new float[to - from];
            float[] sum = new float[to - from];
            return () -> {
              Arrays.fill(sum, 0);
              for (int r = 0; r < rows; r++) {
                g.get(r * width + from, row, 0, row.length);
                for (int i = 0; i < row.length; i++) {
                  sum[i] += row[i];
                }
              }
              sums.put(from, sum, 0, sum.length);
            };
          });
    }
  }
}
