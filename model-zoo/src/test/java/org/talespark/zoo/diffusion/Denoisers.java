package org.talespark.zoo.diffusion;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.Normal;

/** Small denoisers in training, for tests: the loss is the mean square of prediction - target. */
final class Denoisers implements AutoCloseable {
  static final String SAMPLE = "sample";
  static final String TIME = "time";
  static final String TEXT = "text";
  static final String MASK = "mask";
  static final String TARGET = "target";
  static final String PREDICTION = "prediction";
  static final String LOSS = "loss";

  private final DenoiserConfig config;
  private final int batch;
  private final int side;
  private final int tokens;
  final Ops ops;
  final Layers layers;
  final CompiledGraph plan;

  /** With {@code tokens} of each text, if the network reads one. */
  Denoisers(DenoiserConfig config, Ops ops, int batch, int side, int tokens) {
    this.config = config;
    this.batch = batch;
    this.side = side;
    this.tokens = tokens;
    this.ops = ops;
    layers = Layers.trainable(ops, 5);
    SDVariable sample = ops.input(SAMPLE, sampleShape());
    SDVariable time = ops.input(TIME, batch, config.timeFeatures());
    DenoiserConfig.Context text =
        config.contextDimension() == 0
            ? null
            : new DenoiserConfig.Context(
                ops.input(TEXT, (long) batch * tokens, config.contextDimension()),
                ops.input(MASK, batch, tokens),
                null,
                tokens);
    SDVariable y = config.build(layers, sample, time, text, batch, side);
    SDVariable prediction = ops.name(PREDICTION, y);
    ops.name(LOSS, ops.meanSquare(prediction, ops.input(TARGET, sampleShape())));
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph())
            .outputs(PREDICTION)
            .losses(LOSS)
            .train(layers.names())
            .gradientOf(SAMPLE)
            .gradientOf(TIME);
    if (text != null) {
      builder.gradientOf(TEXT);
    }
    inputs(1).forEach((name, array) -> builder.input(name, array.shape()));
    plan = builder.build();
  }

  /** Two levels of 4 and 8 channels, the second with attention: 2 heads of 3. */
  static UNet2DCondition.Config uNet(int contextDimension) {
    return new UNet2DCondition.Config(
        3, List.of(4, 8), 1, List.of(false, true), 2, 3, 2, contextDimension);
  }

  /** Two blocks of width 8 and 2 heads, patches of 2. */
  static Dit.Config dit(int contextDimension) {
    return new Dit.Config(3, 2, 8, 2, 2, contextDimension);
  }

  private long[] sampleShape() {
    return new long[] {batch, config.channels(), side, side};
  }

  /** Random inputs; of the texts the tokens behind the first count only in odd samples. */
  Map<String, INDArray> inputs(long seed) {
    Map<String, INDArray> inputs = new LinkedHashMap<>();
    inputs.put(SAMPLE, normal(seed, SAMPLE, sampleShape()));
    inputs.put(TARGET, normal(seed, TARGET, sampleShape()));
    inputs.put(TIME, normal(seed, TIME, batch, config.timeFeatures()));
    if (config.contextDimension() > 0) {
      inputs.put(TEXT, normal(seed, TEXT, (long) batch * tokens, config.contextDimension()));
      INDArray mask = Nd4j.ones(ops.type(), batch, tokens);
      for (int b = 0; b < batch; b += 2) {
        for (int t = 1; t < tokens; t++) {
          mask.putScalar(b, t, 0);
        }
      }
      inputs.put(MASK, mask);
    }
    return inputs;
  }

  private INDArray normal(long seed, String name, long... shape) {
    return Normal.fill(seed, name, 1, shape, ops.type());
  }

  /** Moves every parameter away from where it begins, which for many is zero. */
  Denoisers moved() {
    plan.parameters()
        .views()
        .forEach((name, view) -> view.addi(Normal.fill(9, name, 0.2, view.shape(), ops.type())));
    return this;
  }

  /** Runs a step. */
  Denoisers run(Map<String, INDArray> inputs) {
    inputs.forEach((name, array) -> plan.input(name).assign(array));
    plan.run();
    return this;
  }

  /** A copy of the prediction in double. */
  INDArray prediction() {
    return plan.output(PREDICTION).castTo(DataType.DOUBLE).dup();
  }

  double loss() {
    return plan.output(LOSS).getDouble(0);
  }

  static double difference(INDArray a, INDArray b) {
    if (!Arrays.equals(a.shape(), b.shape())) {
      return Double.POSITIVE_INFINITY;
    }
    return a.sub(b).amaxNumber().doubleValue();
  }

  @Override
  public void close() {
    plan.close();
  }
}
