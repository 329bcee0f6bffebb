package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** Rows cut into equal parts: x [N, kD] -> k times [N, D]; its gradient joins them again. */
final class FusedChunks extends FusedOp {
  private final int count;

  private FusedChunks(SDVariable x, int count) {
    super("talespark_chunks", List.of(x), count);
    this.count = count;
  }

  static SDVariable[] apply(SDVariable x, int count) {
    return new FusedChunks(x, count).outputVariables();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    if (x.length != 2 || x[1] % count != 0) {
      throw new IllegalArgumentException(
          "Cannot cut rows: shape=%s parts=%d, expected [N, parts D]"
              .formatted(Arrays.toString(x), count));
    }
    return Collections.nCopies(count, new long[] {x[0], x[1] / count});
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    SDVariable[] parts = outputGradients.toArray(SDVariable[]::new);
    return List.of(parts[0].getSameDiff().concat(1, parts));
  }

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer in = FloatMemory.of(call.inputs().get(0));
    FloatBuffer[] out = call.outputs().stream().map(FloatMemory::of).toArray(FloatBuffer[]::new);
    int rows = (int) call.inputs().get(0).size(0);
    int width = (int) call.outputs().get(0).size(1);
    float[] chunk = new float[width];
    return () -> {
      for (int r = 0; r < rows; r++) {
        for (int k = 0; k < count; k++) {
          in.get((r * count + k) * width, chunk, 0, width);
          out[k].put(r * width, chunk, 0, width);
        }
      }
    };
  }
}
