package org.talespark.zoo.attributes;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Weights;

/** The network in use, for batches of one size. Not thread-safe. */
final class AttributePlan implements AutoCloseable {
  private final int batch;
  private final int side;
  private final AttributeNetwork.Handles handles;
  private final CompiledGraph plan;

  /**
   * Compiles the network.
   *
   * @param weights of the network
   */
  AttributePlan(
      AttributeNetwork.Config model,
      CaptionGrammar grammar,
      DataType type,
      int batch,
      int side,
      Weights weights) {
    this.batch = batch;
    this.side = side;
    Ops ops = new Ops(type);
    Layers layers = Layers.bound(ops);
    this.handles = AttributeNetwork.build(model, grammar, layers, batch, side);
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph())
            .input(AttributeNetwork.PICTURES, batch, 3, side, side)
            .outputs(
                handles.features().name(),
                handles.setting().name(),
                handles.presence().name(),
                handles.colours().name());
    this.plan = weights.bind(builder, layers.names()).build();
  }

  /** Looks at [count, 3, side, side]; count is at most the batch. */
  void run(float[] pictures) {
    plan.fill(AttributeNetwork.PICTURES, Arrays.copyOf(pictures, batch * 3 * side * side));
    plan.run();
  }

  /** What the last run saw in its first pictures. */
  List<AttributePrediction> predictions(int count) {
    float[] settings = flat(plan.output(handles.setting().name()));
    float[] presence = flat(plan.output(handles.presence().name()));
    float[] colours = flat(plan.output(handles.colours().name()));
    List<AttributePrediction> predictions = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      predictions.add(new AttributePrediction(row(settings, i), row(presence, i), row(colours, i)));
    }
    return predictions;
  }

  /** The features of the last run's first pictures: [count][F]. */
  List<float[]> features(int count) {
    float[] features = flat(plan.output(handles.features().name()));
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(row(features, i));
    }
    return rows;
  }

  private float[] row(float[] values, int i) {
    int each = values.length / batch;
    return Arrays.copyOfRange(values, i * each, (i + 1) * each);
  }

  private static float[] flat(INDArray array) {
    return array.reshape(array.length()).toFloatVector();
  }

  String report() {
    return plan.report().toString();
  }

  @Override
  public void close() {
    plan.close();
  }
}
