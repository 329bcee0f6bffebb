package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** Element-wise activations as fused operations: forward, and backward from input and gradient. */
final class Activations {
  static final String FORWARD = "talespark_activation";
  static final String BACKWARD = "talespark_activation_bp";
  private static final int BLOCK = 2048;
  private static final int LEAST_BLOCKS = 8; // a thread's

  private Activations() {}

  /** A function of one variable over blocks; {@code scratch} holds at least {@code n} elements. */
  sealed interface Function permits LeakyRelu, Silu, Gelu, QuickGelu {
    void forward(float[] x, float[] y, int n, float[] scratch);

    /** Replaces {@code g}, the gradient of the output, by the gradient of the input. */
    void backward(float[] x, float[] g, int n, float[] scratch);

    /** The same function for one thread alone. */
    default Function ofOneThread() {
      return this;
    }
  }

  /** max(x, slope * x) for a slope in [0, 1); the gradient at zero is the slope, as PyTorch's. */
  record LeakyRelu(float slope) implements Function {
    LeakyRelu {
      if (!(slope >= 0 && slope < 1)) {
        throw new IllegalArgumentException(
            "Cannot use leaky ReLU: slope=%s, expected 0 <= slope < 1".formatted(slope));
      }
    }

    @Override
    public void forward(float[] x, float[] y, int n, float[] scratch) {
      for (int i = 0; i < n; i++) {
        y[i] = Math.max(x[i], slope * x[i]);
      }
    }

    @Override
    public void backward(float[] x, float[] g, int n, float[] scratch) {
      for (int i = 0; i < n; i++) {
        g[i] = x[i] > 0 ? g[i] : slope * g[i];
      }
    }
  }

  /** x * sigmoid(x). */
  record Silu() implements Function {
    @Override
    public void forward(float[] x, float[] y, int n, float[] scratch) {
      FloatMemory.sigmoid(x, scratch, n);
      for (int i = 0; i < n; i++) {
        y[i] = x[i] * scratch[i];
      }
    }

    @Override
    public void backward(float[] x, float[] g, int n, float[] scratch) {
      FloatMemory.sigmoid(x, scratch, n);
      for (int i = 0; i < n; i++) {
        g[i] *= scratch[i] * (1 + x[i] * (1 - scratch[i]));
      }
    }
  }

  /** x * sigmoid(1.702 x). */
  record QuickGelu() implements Function {
    private static final float SLOPE = 1.702f;

    @Override
    public void forward(float[] x, float[] y, int n, float[] scratch) {
      sigmoid(x, n, scratch);
      for (int i = 0; i < n; i++) {
        y[i] = x[i] * scratch[i];
      }
    }

    @Override
    public void backward(float[] x, float[] g, int n, float[] scratch) {
      sigmoid(x, n, scratch);
      for (int i = 0; i < n; i++) {
        g[i] *= scratch[i] * (1 + SLOPE * x[i] * (1 - scratch[i]));
      }
    }

    private static void sigmoid(float[] x, int n, float[] scratch) {
      for (int i = 0; i < n; i++) {
        scratch[i] = SLOPE * x[i];
      }
      FloatMemory.sigmoid(scratch, scratch, n);
    }
  }

  /** x * Phi(x), Phi being the normal distribution; it has scratch memory of its own. */
  static final class Gelu implements Function {
    private final NormalDistribution normal = new NormalDistribution();
    private final float[] probability = new float[BLOCK];

    @Override
    public void forward(float[] x, float[] y, int n, float[] scratch) {
      normal.apply(x, probability, scratch, n);
      for (int i = 0; i < n; i++) {
        y[i] = x[i] * probability[i];
      }
    }

    @Override
    public void backward(float[] x, float[] g, int n, float[] scratch) {
      normal.apply(x, probability, scratch, n);
      for (int i = 0; i < n; i++) {
        g[i] *= probability[i] + x[i] * scratch[i];
      }
    }

    @Override
    public Function ofOneThread() {
      return new Gelu();
    }
  }

  static SDVariable apply(SDVariable x, Function function) {
    return new Forward(x, function).output();
  }

  private static final class Forward extends FusedOp {
    private final Function function;

    Forward(SDVariable x, Function function) {
      super(FORWARD, List.of(x), 1);
      this.function = function;
    }

    @Override
    boolean inPlace() {
      return true;
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return inputShapes;
    }

    @Override
    public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
      return List.of(new Backward(arg(0), outputGradients.get(0), function).output());
    }

    @Override
    Kernel kernel(OpCall call) {
      FloatBuffer in = FloatMemory.of(call.inputs().get(0));
      FloatBuffer out = FloatMemory.of(call.outputs().get(0));
      int length = in.capacity();
      return Parts.ofRows(
          (length + BLOCK - 1) / BLOCK,
          LEAST_BLOCKS,
          (part, from, to) -> {
            Function mine = function.ofOneThread();
            float[] x = new float[BLOCK];
            float[] y = new float[BLOCK];
            float[] scratch = new float[BLOCK];
            return () -> {
              for (int at = from * BLOCK; at < Math.min(length, to * BLOCK); at += BLOCK) {
                int n = Math.min(BLOCK, length - at);
                in.get(at, x, 0, n);
                mine.forward(x, y, n, scratch);
                out.put(at, y, 0, n);
              }
            };
          });
    }
  }

  private static final class Backward extends FusedOp {
    private final Function function;

    Backward(SDVariable x, SDVariable gradient, Function function) {
      super(BACKWARD, List.of(x, gradient), 1);
      this.function = function;
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
      FloatBuffer in = FloatMemory.of(call.inputs().get(0));
      FloatBuffer gradient = FloatMemory.of(call.inputs().get(1));
      FloatBuffer out = FloatMemory.of(call.outputs().get(0));
      int length = in.capacity();
      return Parts.ofRows(
          (length + BLOCK - 1) / BLOCK,
          LEAST_BLOCKS,
          (part, from, to) -> {
            Function mine = function.ofOneThread();
            float[] x = new float[BLOCK];
            float[] g = new float[BLOCK];
            float[] scratch = new float[BLOCK];
            return () -> {
              for (int at = from * BLOCK; at < Math.min(length, to * BLOCK); at += BLOCK) {
                int n = Math.min(BLOCK, length - at);
                in.get(at, x, 0, n);
                gradient.get(at, g, 0, n);
                mine.backward(x, g, n, scratch);
                out.put(at, g, 0, n);
              }
            };
          });
    }
  }
}
