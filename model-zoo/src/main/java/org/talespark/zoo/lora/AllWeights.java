package org.talespark.zoo.lora;

import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.Parameters;
import org.talespark.zoo.nn.Layers;

/** Everything is trained, from random weights that depend on the seed. */
record AllWeights(long seed) implements TrainedWeights {

  @Override
  public Network trained(Ops ops, int samples) {
    Layers layers = Layers.trainable(ops, seed);
    return new Network(layers, builder -> builder.train(layers.names()));
  }

  /** Chance has no part in it. */
  @Override
  public void draw(CompiledGraph plan, long step, List<String> keys) {}

  @Override
  public Network used(Ops ops, Parameters parameters) {
    return new Network(Layers.bound(ops), builder -> builder.bind(parameters));
  }

  @Override
  public Map<String, INDArray> frozen() {
    return Map.of();
  }
}
