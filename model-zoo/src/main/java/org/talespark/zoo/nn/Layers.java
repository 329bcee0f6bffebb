package org.talespark.zoo.nn;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.TransformerOps;

/**
 * Layers with parameters, named and initialised as PyTorch's: weights and biases uniform in
 * &plusmn;1/sqrt(fan-in), scales one, shifts zero. The values of a parameter depend only on the
 * seed and its name.
 */
public final class Layers {

  /** Where parameters come from. */
  private sealed interface Source permits Trained, Bound, Shared {}

  private record Trained(long seed) implements Source {}

  private record Bound() implements Source {}

  /** The same variables once more, for a second pass over other inputs. */
  private record Shared() implements Source {}

  private final Ops ops;
  private final Source source;
  private final LinearAdapter adapter;
  private final List<String> names = new ArrayList<>();

  private Layers(Ops ops, Source source, LinearAdapter adapter) {
    this.ops = requireNonNull(ops, "ops");
    this.source = source;
    this.adapter = requireNonNull(adapter, "adapter");
  }

  /** Layers with trainable parameters. */
  public static Layers trainable(Ops ops, long seed) {
    return new Layers(ops, new Trained(seed), LinearAdapter.NONE);
  }

  /** Layers with constants of zero in place of parameters, to be bound to arrays by name. */
  public static Layers bound(Ops ops) {
    return adapted(ops, LinearAdapter.NONE);
  }

  /** The same with something added to its linear layers. */
  public static Layers adapted(Ops ops, LinearAdapter adapter) {
    return new Layers(ops, new Bound(), adapter);
  }

  /** These layers' parameters again, in the same graph, for another pass. */
  public Layers again() {
    return new Layers(ops, new Shared(), adapter);
  }

  public Ops ops() {
    return ops;
  }

  /** Names of all parameters made so far. */
  public List<String> names() {
    return List.copyOf(names);
  }

  /** Convolution: x [B, in, H, W] -> [B, out, H', W']; {@code name.weight}, {@code name.bias}. */
  public SDVariable conv(
      String name, SDVariable x, int in, int out, int kernel, int stride, int padding) {
    double bound = 1 / Math.sqrt((double) in * kernel * kernel);
    SDVariable weight = uniform(name + ".weight", bound, out, in, kernel, kernel);
    SDVariable bias = uniform(name + ".bias", bound, out);
    return ops.conv2d(x, weight, bias, stride, padding);
  }

  /** A convolution that begins as zero, so that what it is added to begins unchanged. */
  public SDVariable zeroConv(
      String name, SDVariable x, int in, int out, int kernel, int stride, int padding) {
    SDVariable weight = zeros(name + ".weight", out, in, kernel, kernel);
    return ops.conv2d(x, weight, zeros(name + ".bias", out), stride, padding);
  }

  /** Transposed convolution: x [B, in, H, W] -> [B, out, H', W']. */
  public SDVariable convTranspose(
      String name, SDVariable x, int in, int out, int kernel, int stride, int padding) {
    double bound = 1 / Math.sqrt((double) out * kernel * kernel);
    SDVariable weight = uniform(name + ".weight", bound, in, out, kernel, kernel);
    SDVariable bias = uniform(name + ".bias", bound, out);
    return ops.convTranspose2d(x, weight, bias, stride, padding);
  }

  /** x [N, in] -> [N, out]. */
  public SDVariable linear(String name, SDVariable x, int in, int out) {
    double bound = 1 / Math.sqrt(in);
    SDVariable weight = uniform(name + ".weight", bound, out, in);
    return linear(name, x, weight, uniform(name + ".bias", bound, out));
  }

  /** x [N, in] -> [N, out], without bias. */
  public SDVariable projection(String name, SDVariable x, int in, int out) {
    return linear(name, x, uniform(name + ".weight", 1 / Math.sqrt(in), out, in), null);
  }

  /** x [N, in] -> [N, out]: weights from a normal distribution around zero, biases zero. */
  public SDVariable normalLinear(String name, SDVariable x, double deviation, int in, int out) {
    return linear(
        name, x, normal(name + ".weight", deviation, out, in), zeros(name + ".bias", out));
  }

  /** A linear layer that begins as zero: x [N, in] -> [N, out]. */
  public SDVariable zeroLinear(String name, SDVariable x, int in, int out) {
    return linear(name, x, zeros(name + ".weight", out, in), zeros(name + ".bias", out));
  }

  /**
   * Any linear layer: x [N, in], weight [out, in], bias [out] or null -> [N, out]. All layers that
   * adapters shall find go through here.
   *
   * @param name of the layer, {@code name.weight} without {@code .weight}
   */
  public SDVariable linear(String name, SDVariable x, SDVariable weight, SDVariable bias) {
    long[] shape = weight.getShape();
    SDVariable y = ops.linear(x, weight, bias);
    return adapter.adapt(ops, new LinearAdapter.Linear(name, x, y, shape[1], shape[0]));
  }

  /** Group normalisation of x [B, channels, H, W], epsilon 1e-6. */
  public SDVariable groupNorm(String name, SDVariable x, int channels, int groups) {
    return ops.groupNorm(x, gain(name, channels), shift(name, channels), groups, 1e-6);
  }

  /** Group normalisation followed by SiLU, epsilon 1e-6. */
  public SDVariable groupNormSilu(String name, SDVariable x, int channels, int groups) {
    return groupNormSilu(name, x, channels, groups, 1e-6);
  }

  /** Group normalisation followed by SiLU. */
  public SDVariable groupNormSilu(
      String name, SDVariable x, int channels, int groups, double epsilon) {
    return ops.groupNormSilu(x, gain(name, channels), shift(name, channels), groups, epsilon);
  }

  /** Batch normalisation of x [B, channels, H, W] with the batch's statistics, epsilon 1e-5. */
  public SDVariable batchNorm(String name, SDVariable x, int channels) {
    return ops.batchNorm(x, gain(name, channels), shift(name, channels), 1e-5);
  }

  /** Normalises the rows of x [N, width] by their root mean square; {@code name.weight}. */
  public SDVariable rmsNorm(String name, SDVariable x, int width, double epsilon) {
    return new TransformerOps(ops).rmsNorm(x, gain(name, width), epsilon);
  }

  /** Normalises the rows of x [N, width]; {@code name.weight}, {@code name.bias}. */
  public SDVariable layerNorm(String name, SDVariable x, int width, double epsilon) {
    return new TransformerOps(ops).layerNorm(x, gain(name, width), shift(name, width), epsilon);
  }

  /** The scale of a normalisation, {@code name.weight} [n], ones to begin with. */
  public SDVariable gain(String name, int n) {
    return parameter(name + ".weight", Nd4j.ones(ops.type(), n));
  }

  /** The shift of a normalisation, {@code name.bias} [n], zeros to begin with. */
  public SDVariable shift(String name, int n) {
    return zeros(name + ".bias", n);
  }

  /** A parameter that begins as zero. */
  public SDVariable zeros(String name, long... shape) {
    return parameter(name, Nd4j.zeros(ops.type(), shape));
  }

  /** A parameter uniform in [-bound, bound). */
  public SDVariable uniform(String name, double bound, long... shape) {
    if (source instanceof Trained trained) {
      return parameter(name, Uniform.fill(trained.seed(), name, bound, shape, DataType.DOUBLE));
    }
    return zeros(name, shape);
  }

  /** A parameter drawn from a normal distribution around zero. */
  public SDVariable normal(String name, double deviation, long... shape) {
    if (source instanceof Trained trained) {
      return parameter(name, Normal.fill(trained.seed(), name, deviation, shape, DataType.DOUBLE));
    }
    return zeros(name, shape);
  }

  /** A parameter with these initial values. */
  public SDVariable parameter(String name, INDArray initial) {
    if (source instanceof Shared) {
      return requireNonNull(ops.graph().getVariable(name), name);
    }
    names.add(name);
    return source instanceof Trained ? ops.parameter(name, initial) : ops.frozen(name, initial);
  }
}
