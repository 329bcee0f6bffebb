package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The gated unit SwiGLU (Shazeer 2020, arXiv:2002.05202, Eq. 6) without its products, in one pass:
 * y = gate sigmoid(gate) up, all of one shape.
 */
final class FusedSwiGlu extends FusedOp {
  private static final int BLOCK = 2048;
  private static final int LEAST_BLOCKS = 8;

  private FusedSwiGlu(SDVariable gate, SDVariable up) {
    super("talespark_swiglu", List.of(gate, up), 1);
  }

  static SDVariable apply(SDVariable gate, SDVariable up) {
    return new FusedSwiGlu(gate, up).output();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    return inputShapes.subList(0, 1);
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    return List.of(new Backward(List.of(arg(0), arg(1), outputGradients.get(0))).outputVariables());
  }

  /** What is gated and by what, taken in blocks. */
  private record Units(FloatBuffer gates, FloatBuffer ups) {
    static Units of(OpCall call) {
      return new Units(call.input(0), call.input(1));
    }

    int length() {
      return gates.capacity();
    }

    Kernel parts(Parts.OfRows part) {
      return Parts.ofRows((length() + BLOCK - 1) / BLOCK, LEAST_BLOCKS, part);
    }
  }

  @Override
  Kernel kernel(OpCall call) {
    Units units = Units.of(call);
    FloatBuffer y = call.output(0);
    int length = units.length();
    return units.parts(
        (part, from, to) -> {
          float[] gate = new float[BLOCK];
          float[] up = new float[BLOCK];
          float[] sigmoid = new float[BLOCK];
          return () -> {
            for (int at = from * BLOCK; at < Math.min(length, to * BLOCK); at += BLOCK) {
              int n = Math.min(BLOCK, length - at);
              units.gates().get(at, gate, 0, n);
              units.ups().get(at, up, 0, n);
              FloatMemory.sigmoid(gate, sigmoid, n);
              for (int i = 0; i < n; i++) {
                up[i] *= gate[i] * sigmoid[i];
              }
              y.put(at, up, 0, n);
            }
          };
        });
  }

  private static final class Backward extends FusedOp {

    Backward(List<SDVariable> inputs) {
      super("talespark_swiglu_bp", inputs, 2);
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return inputShapes.subList(0, 2);
    }

    @Override
    Kernel kernel(OpCall call) {
      Units units = Units.of(call);
      FloatBuffer dy = call.input(2);
      FloatBuffer dGates = call.output(0);
      FloatBuffer dUps = call.output(1);
      int length = units.length();
      return units.parts(
          (part, from, to) -> {
            float[] gate = new float[BLOCK];
            float[] up = new float[BLOCK];
            float[] g = new float[BLOCK];
            float[] s = new float[BLOCK];
            return () -> {
              for (int at = from * BLOCK; at < Math.min(length, to * BLOCK); at += BLOCK) {
                int n = Math.min(BLOCK, length - at);
                units.gates().get(at, gate, 0, n);
                units.ups().get(at, up, 0, n);
                dy.get(at, g, 0, n);
                FloatMemory.sigmoid(gate, s, n);
                for (int i = 0; i < n; i++) {
                  up[i] *= g[i] * s[i] * (1 + gate[i] * (1 - s[i]));
                }
                for (int i = 0; i < n; i++) {
                  g[i] *= gate[i] * s[i];
                }
                dGates.put(at, up, 0, n);
                dUps.put(at, g, 0, n);
              }
            };
          });
    }
  }
}
