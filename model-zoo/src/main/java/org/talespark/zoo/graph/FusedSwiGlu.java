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

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer gates = FloatMemory.of(call.inputs().get(0));
    FloatBuffer ups = FloatMemory.of(call.inputs().get(1));
    FloatBuffer y = FloatMemory.of(call.outputs().get(0));
    int length = gates.capacity();
    return Parts.ofRows(
        (length + BLOCK - 1) / BLOCK,
        LEAST_BLOCKS,
        (part, from, to) -> {
          float[] gate = new float[BLOCK];
          float[] up = new float[BLOCK];
          float[] sigmoid = new float[BLOCK];
          return () -> {
            for (int at = from * BLOCK; at < Math.min(length, to * BLOCK); at += BLOCK) {
              int n = Math.min(BLOCK, length - at);
              gates.get(at, gate, 0, n);
              ups.get(at, up, 0, n);
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
      FloatBuffer gates = FloatMemory.of(call.inputs().get(0));
      FloatBuffer ups = FloatMemory.of(call.inputs().get(1));
      FloatBuffer dy = FloatMemory.of(call.inputs().get(2));
      FloatBuffer dGates = FloatMemory.of(call.outputs().get(0));
      FloatBuffer dUps = FloatMemory.of(call.outputs().get(1));
      int length = gates.capacity();
      return Parts.ofRows(
          (length + BLOCK - 1) / BLOCK,
          LEAST_BLOCKS,
          (part, from, to) -> {
            float[] gate = new float[BLOCK];
            float[] up = new float[BLOCK];
            float[] g = new float[BLOCK];
            float[] s = new float[BLOCK];
            return () -> {
              for (int at = from * BLOCK; at < Math.min(length, to * BLOCK); at += BLOCK) {
                int n = Math.min(BLOCK, length - at);
                gates.get(at, gate, 0, n);
                ups.get(at, up, 0, n);
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
