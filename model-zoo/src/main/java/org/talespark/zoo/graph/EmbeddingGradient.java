package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The gradient of looked-up rows: each row of g is added to the row of the table that it came from,
 * in their order. ND4J's own makes an array object for each row.
 *
 * <p>g [N, D], int32 indices [N] -> [rows, D].
 */
final class EmbeddingGradient extends FusedOp {
  private static final int BLOCK = 2048;

  private final long rows;

  EmbeddingGradient(SDVariable gradient, SDVariable indices, long rows) {
    super("talespark_embedding_bp", List.of(gradient, indices), 1);
    this.rows = rows;
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    return List.of(new long[] {rows, inputShapes.get(0)[1]});
  }

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer gradients = call.input(0);
    IntBuffer indices = FloatMemory.bits(call.inputs().get(1));
    FloatBuffer out = call.output(0);
    int width = (int) call.inputs().get(0).size(1);
    float[] zeros = new float[BLOCK];
    float[] g = new float[width];
    float[] sum = new float[width];
    return () -> {
      for (int at = 0; at < out.capacity(); at += BLOCK) {
        out.put(at, zeros, 0, Math.min(BLOCK, out.capacity() - at));
      }
      for (int n = 0; n < indices.capacity(); n++) {
        int row = indices.get(n);
        gradients.get(n * width, g, 0, width);
        out.get(row * width, sum, 0, width);
        for (int i = 0; i < width; i++) {
          sum[i] += g[i];
        }
        out.put(row * width, sum, 0, width);
      }
    };
  }
}
