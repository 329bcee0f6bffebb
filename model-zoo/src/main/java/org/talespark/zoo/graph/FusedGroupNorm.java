package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Group normalisation (Wu and He, arXiv:1803.08494) with its scale, shift and optionally SiLU in
 * one pass: y = f(gamma * (x - mean) / sqrt(var + eps) + beta), mean and variance over each group
 * of channels of one sample.
 *
 * <p>x [B, C, H, W], gamma and beta [C], or [B, C] where each sample has its own -> y [B, C, H, W],
 * and mean and 1/sqrt(var + eps) [B, G], kept for the backward pass.
 */
final class FusedGroupNorm extends FusedOp {
  private static final int LEAST_ELEMENTS = 16384;

  private final int groups;
  private final float epsilon;
  private final boolean silu;

  private FusedGroupNorm(
      SDVariable x, SDVariable gamma, SDVariable beta, int groups, double epsilon, boolean silu) {
    super("talespark_group_norm", List.of(x, gamma, beta), 3);
    this.groups = groups;
    this.epsilon = (float) epsilon;
    this.silu = silu;
  }

  static SDVariable apply(
      SDVariable x, SDVariable gamma, SDVariable beta, int groups, double epsilon, boolean silu) {
    return new FusedGroupNorm(x, gamma, beta, groups, epsilon, silu).output();
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    if (x.length != 4 || x[1] % groups != 0) {
      throw new IllegalArgumentException(
          "Cannot group-normalise: shape=%s groups=%d, expected [B, C, H, W] with C divisible by groups"
              .formatted(Arrays.toString(x), groups));
    }
    return List.of(x, new long[] {x[0], groups}, new long[] {x[0], groups});
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    SDVariable[] saved = outputVariables();
    Backward backward =
        new Backward(
            List.of(arg(0), arg(1), arg(2), saved[1], saved[2], outputGradients.get(0)),
            groups,
            silu);
    return List.of(backward.outputVariables());
  }

  @Override
  Kernel kernel(OpCall call) {
    long[] shape = call.inputs().get(0).shape();
    int batch = (int) shape[0];
    int channels = (int) shape[1];
    int plane = (int) (shape[2] * shape[3]);
    int perGroup = channels / groups;
    int n = perGroup * plane;
    FloatBuffer x = FloatMemory.of(call.inputs().get(0));
    FloatBuffer gamma = FloatMemory.of(call.inputs().get(1));
    FloatBuffer beta = FloatMemory.of(call.inputs().get(2));
    int step = step(call.inputs().get(1), channels);
    FloatBuffer y = FloatMemory.of(call.outputs().get(0));
    FloatBuffer means = FloatMemory.of(call.outputs().get(1));
    FloatBuffer inverses = FloatMemory.of(call.outputs().get(2));
    return Parts.ofRows(
        groups,
        leastGroups(batch * n),
        (part, first, end) -> {
          float[] values = new float[n];
          float[] scales = new float[n]; // each channel's, for all of its plane
          float[] shifts = new float[n];
          Activations.Silu activation = new Activations.Silu();
          return () -> {
            for (int b = 0; b < batch; b++) {
              for (int bg = b * groups + first; bg < b * groups + end; bg++) {
                x.get(bg * n, values, 0, n);
                float mean = FloatMemory.sum(values, 0, n) / n;
                for (int i = 0; i < n; i++) {
                  values[i] -= mean;
                }
                float inverse =
                    (float)
                        (1
                            / Math.sqrt(
                                FloatMemory.dot(values, values, 0, n) / n + (double) epsilon));
                means.put(bg, mean);
                inverses.put(bg, inverse);
                int channel = b * step + bg % groups * perGroup;
                spread(gamma, channel, plane, inverse, scales);
                spread(beta, channel, plane, 1, shifts);
                for (int i = 0; i < n; i++) {
                  values[i] = values[i] * scales[i] + shifts[i];
                }
                if (silu) {
                  activation.forward(values, values, n, scales);
                }
                y.put(bg * n, values, 0, n);
              }
            }
          };
        });
  }

  /** From one sample's factors to the next one's: none where all share them. */
  private static int step(INDArray factors, int channels) {
    return factors.rank() == 1 ? 0 : channels;
  }

  /**
   * Repeats each channel's factor over its plane, so that loops run over whole groups: the compiler
   * vectorises only loops whose arrays are all read from the same place on.
   */
  private static void spread(
      FloatBuffer factors, int channel, int plane, float scale, float[] out) {
    for (int from = 0; from < out.length; from += plane) {
      Arrays.fill(out, from, from + plane, scale * factors.get(channel++));
    }
  }

  /** Groups that a thread takes at least; all of a group's samples go through one thread. */
  private static int leastGroups(int elements) {
    return Math.max(1, LEAST_ELEMENTS / elements);
  }

  private static final class Backward extends FusedOp {
    private final int groups;
    private final boolean silu;

    Backward(List<SDVariable> inputs, int groups, boolean silu) {
      super("talespark_group_norm_bp", inputs, 3);
      this.groups = groups;
      this.silu = silu;
    }

    @Override
    List<long[]> outputShapes(List<long[]> inputShapes) {
      return inputShapes.subList(0, 3);
    }

    @Override
    Kernel kernel(OpCall call) {
      long[] shape = call.inputs().get(0).shape();
      int batch = (int) shape[0];
      int channels = (int) shape[1];
      int plane = (int) (shape[2] * shape[3]);
      int perGroup = channels / groups;
      int n = perGroup * plane;
      FloatBuffer x = FloatMemory.of(call.inputs().get(0));
      FloatBuffer gammas = FloatMemory.of(call.inputs().get(1));
      FloatBuffer betas = FloatMemory.of(call.inputs().get(2));
      int step = step(call.inputs().get(1), channels);
      int factors = Math.toIntExact(call.inputs().get(1).length());
      FloatBuffer means = FloatMemory.of(call.inputs().get(3));
      FloatBuffer inverses = FloatMemory.of(call.inputs().get(4));
      FloatBuffer dy = FloatMemory.of(call.inputs().get(5));
      FloatBuffer dx = FloatMemory.of(call.outputs().get(0));
      FloatBuffer dGammas = FloatMemory.of(call.outputs().get(1));
      FloatBuffer dBetas = FloatMemory.of(call.outputs().get(2));
      return Parts.ofRows(
          groups,
          leastGroups(batch * n),
          (part, first, end) -> {
            float[] normalised = new float[n];
            float[] gradient = new float[n];
            float[] scales = new float[n];
            float[] u = new float[silu ? n : 0];
            float[] scratch = new float[silu ? n : 0];
            float[] dGamma = new float[factors]; // only its own groups' channels
            float[] dBeta = new float[factors];
            Activations.Silu activation = new Activations.Silu();
            int firstChannel = first * perGroup;
            int ownChannels = (end - first) * perGroup;
            return () -> {
              Arrays.fill(dGamma, 0);
              Arrays.fill(dBeta, 0);
              for (int b = 0; b < batch; b++) {
                for (int bg = b * groups + first; bg < b * groups + end; bg++) {
                  x.get(bg * n, normalised, 0, n);
                  dy.get(bg * n, gradient, 0, n);
                  float mean = means.get(bg);
                  float inverse = inverses.get(bg);
                  for (int i = 0; i < n; i++) {
                    normalised[i] = (normalised[i] - mean) * inverse;
                  }
                  int channel = b * step + bg % groups * perGroup;
                  spread(gammas, channel, plane, 1, scales);
                  if (silu) {
                    spread(betas, channel, plane, 1, u);
                    for (int i = 0; i < n; i++) {
                      u[i] += normalised[i] * scales[i];
                    }
                    activation.backward(u, gradient, n, scratch);
                  }
                  float sum = 0;
                  float product = 0;
                  for (int k = 0; k < perGroup; k++) {
                    float ofBeta = FloatMemory.sum(gradient, k * plane, plane);
                    float ofGamma = FloatMemory.dot(gradient, normalised, k * plane, plane);
                    dBeta[channel + k] += ofBeta;
                    dGamma[channel + k] += ofGamma;
                    sum += scales[k * plane] * ofBeta;
                    product += scales[k * plane] * ofGamma;
                  }
                  float meanOfSum = sum / n;
                  float meanOfProduct = product / n;
                  for (int i = 0; i < n; i++) {
                    gradient[i] =
                        inverse
                            * (scales[i] * gradient[i] - meanOfSum - normalised[i] * meanOfProduct);
                  }
                  dx.put(bg * n, gradient, 0, n);
                }
              }
              for (int at = firstChannel; at < factors; at += channels) {
                dGammas.put(at, dGamma, at, ownChannels);
                dBetas.put(at, dBeta, at, ownChannels);
              }
            };
          });
    }
  }
}
