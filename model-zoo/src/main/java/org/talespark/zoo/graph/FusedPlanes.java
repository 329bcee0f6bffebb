package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * One number added to each channel of each sample: x [B, C, H, W], v [B, C] -> x + v, and the
 * gradient of v, the sums over the planes.
 */
final class FusedPlanes extends FusedOp {
  private static final int LEAST_ELEMENTS = 32768;

  private FusedPlanes(SDVariable x, SDVariable v) {
    super("talespark_add_to_planes", List.of(x, v), 1);
  }

  static SDVariable add(SDVariable x, SDVariable v) {
    return new FusedPlanes(x, v).output();
  }

  @Override
  boolean inPlace() {
    return true;
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    if (x.length != 4 || !Arrays.equals(Arrays.copyOf(x, 2), inputShapes.get(1))) {
      throw new IllegalArgumentException(
          "Cannot add to planes: shapes=%s, expected [B, C, H, W] and [B, C]"
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
    FloatBuffer v = FloatMemory.of(call.inputs().get(1));
    FloatBuffer y = FloatMemory.of(call.outputs().get(0));
    int planes = v.capacity();
    int length = x.capacity() / planes;
    return Parts.ofRows(
        planes,
        Math.max(1, LEAST_ELEMENTS / length),
        (part, from, to) -> {
          float[] plane = new float[length];
          return () -> {
            for (int p = from; p < to; p++) {
              x.get(p * length, plane, 0, length);
              float added = v.get(p);
              for (int i = 0; i < length; i++) {
                plane[i] += added;
              }
              y.put(p * length, plane, 0, length);
            }
          };
        });
  }

  private static final class Sums extends FusedOp {

    Sums(SDVariable gradient) {
      super("talespark_sums_of_planes", List.of(gradient), 1);
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return List.of(Arrays.copyOf(inputShapes.get(0), 2));
    }

    @Override
    Kernel kernel(OpCall call) {
      FloatBuffer x = FloatMemory.of(call.inputs().get(0));
      FloatBuffer sums = FloatMemory.of(call.outputs().get(0));
      int planes = sums.capacity();
      int length = x.capacity() / planes;
      float[] plane = new float[length];
      return () -> {
        for (int p = 0; p < planes; p++) {
          x.get(p * length, plane, 0, length);
          sums.put(p, FloatMemory.sum(plane, 0, length));
        }
      };
    }
  }
}
