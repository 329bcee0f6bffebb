package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A branch weighted by its sample's gate and added to the stream, in one pass: y = x + gate z.
 *
 * <p>x and z [N, D], gate [S, D], S a divisor of N: each N/S rows below each other are a sample.
 */
final class FusedGate extends FusedOp {

  private FusedGate(SDVariable x, SDVariable branch, SDVariable gate) {
    super("talespark_gate", List.of(x, branch, gate), 1);
  }

  static SDVariable apply(SDVariable x, SDVariable branch, SDVariable gate) {
    return new FusedGate(x, branch, gate).output();
  }

  @Override
  boolean inPlace() {
    return true;
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    long[] gate = inputShapes.get(2);
    boolean fits =
        x.length == 2
            && Arrays.equals(x, inputShapes.get(1))
            && gate.length == 2
            && gate[1] == x[1]
            && x[0] % gate[0] == 0;
    if (!fits) {
      throw new IllegalArgumentException(
          "Cannot gate rows: shapes=%s, expected twice [N, D] and [S, D], S a divisor of N"
              .formatted(inputShapes.stream().map(Arrays::toString).toList()));
    }
    return inputShapes.subList(0, 1);
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    SDVariable g = outputGradients.get(0);
    SDVariable[] others = new Backward(List.of(arg(1), arg(2), g)).outputVariables();
    return List.of(g, others[0], others[1]);
  }

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer x = FloatMemory.of(call.inputs().get(0));
    FloatBuffer z = FloatMemory.of(call.inputs().get(1));
    FloatBuffer gates = FloatMemory.of(call.inputs().get(2));
    FloatBuffer y = FloatMemory.of(call.outputs().get(0));
    int width = (int) call.inputs().get(2).size(1);
    int rows = x.capacity() / width;
    int each = rows / (int) call.inputs().get(2).size(0);
    float[] gate = new float[width];
    float[] stream = new float[width];
    float[] branch = new float[width];
    return () -> {
      for (int r = 0; r < rows; r++) {
        if (r % each == 0) {
          gates.get(r / each * width, gate, 0, width);
        }
        x.get(r * width, stream, 0, width);
        z.get(r * width, branch, 0, width);
        for (int i = 0; i < width; i++) {
          stream[i] += gate[i] * branch[i];
        }
        y.put(r * width, stream, 0, width);
      }
    };
  }

  /** Of the branch gate dy; of the gate the sum of z dy over the sample's rows. */
  private static final class Backward extends FusedOp {

    Backward(List<SDVariable> inputs) {
      super("talespark_gate_bp", inputs, 2);
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return inputShapes.subList(0, 2);
    }

    @Override
    Kernel kernel(OpCall call) {
      FloatBuffer z = FloatMemory.of(call.inputs().get(0));
      FloatBuffer gates = FloatMemory.of(call.inputs().get(1));
      FloatBuffer dy = FloatMemory.of(call.inputs().get(2));
      FloatBuffer dz = FloatMemory.of(call.outputs().get(0));
      FloatBuffer dGates = FloatMemory.of(call.outputs().get(1));
      int width = (int) call.inputs().get(1).size(1);
      int samples = (int) call.inputs().get(1).size(0);
      int each = z.capacity() / width / samples;
      float[] gate = new float[width];
      float[] branch = new float[width];
      float[] g = new float[width];
      float[] sum = new float[width];
      return () -> {
        for (int s = 0; s < samples; s++) {
          gates.get(s * width, gate, 0, width);
          Arrays.fill(sum, 0);
          for (int r = s * each; r < (s + 1) * each; r++) {
            z.get(r * width, branch, 0, width);
            dy.get(r * width, g, 0, width);
            for (int i = 0; i < width; i++) {
              sum[i] += branch[i] * g[i];
            }
            for (int i = 0; i < width; i++) {
              g[i] *= gate[i];
            }
            dz.put(r * width, g, 0, width);
          }
          dGates.put(s * width, sum, 0, width);
        }
      };
    }
  }
}
