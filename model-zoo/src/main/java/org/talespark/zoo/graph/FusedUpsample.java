package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** Nearest-neighbour upsampling by two: x [B, C, H, W] -> y [B, C, 2H, 2W]. */
final class FusedUpsample extends FusedOp {

  private FusedUpsample(SDVariable x) {
    super("talespark_upsample", List.of(x), 1);
  }

  static SDVariable apply(SDVariable x) {
    return new FusedUpsample(x).output();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    return List.of(new long[] {x[0], x[1], 2 * x[2], 2 * x[3]});
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    return List.of(new Backward(outputGradients.get(0)).output());
  }

  @Override
  Kernel kernel(OpCall call) {
    long[] shape = call.inputs().get(0).shape();
    int rows = (int) (shape[0] * shape[1] * shape[2]);
    int width = (int) shape[3];
    FloatBuffer in = call.input(0);
    FloatBuffer out = call.output(0);
    float[] row = new float[width];
    float[] wide = new float[4 * width];
    return () -> {
      for (int r = 0; r < rows; r++) {
        in.get(r * width, row, 0, width);
        for (int i = 0; i < width; i++) {
          wide[2 * i] = row[i];
          wide[2 * i + 1] = row[i];
        }
        System.arraycopy(wide, 0, wide, 2 * width, 2 * width);
        out.put(4 * r * width, wide, 0, 4 * width);
      }
    };
  }

  /** Adds up the four gradients of each input element. */
  private static final class Backward extends FusedOp {
    Backward(SDVariable gradient) {
      super("talespark_upsample_bp", List.of(gradient), 1);
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      long[] g = inputShapes.get(0);
      return List.of(new long[] {g[0], g[1], g[2] / 2, g[3] / 2});
    }

    @Override
    Kernel kernel(OpCall call) {
      long[] shape = call.outputs().get(0).shape();
      int rows = (int) (shape[0] * shape[1] * shape[2]);
      int width = (int) shape[3];
      FloatBuffer in = call.input(0);
      FloatBuffer out = call.output(0);
      float[] row = new float[width];
      float[] wide = new float[4 * width];
      return () -> {
        for (int r = 0; r < rows; r++) {
          in.get(4 * r * width, wide, 0, 4 * width);
          for (int i = 0; i < 2 * width; i++) {
            wide[i] += wide[2 * width + i];
          }
          for (int i = 0; i < width; i++) {
            row[i] = wide[2 * i] + wide[2 * i + 1];
          }
          out.put(r * width, row, 0, width);
        }
      };
    }
  }
}
