package org.talespark.zoo.lora;

import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.Parameters;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Pretrained;

/**
 * Which of a model's weights are trained: all of them, or adapters that are added to the weights of
 * a base. How a learner makes its plans:
 *
 * <pre>
 *   Network network = weights.trained(ops, batch);
 *   ... the graph, from network.layers() ...
 *   CompiledGraph plan = network.bind(CompiledGraph.of(ops.graph())...).build();
 * </pre>
 */
public interface TrainedWeights {

  /**
   * A graph's layers, and where their weights come from.
   *
   * @param layers to build the graph from
   */
  record Network(Layers layers, UnaryOperator<CompiledGraph.Builder> weights) {
    /** Gives the plan of the complete graph its weights, and says which are trained. */
    public CompiledGraph.Builder bind(CompiledGraph.Builder builder) {
      return weights.apply(builder);
    }
  }

  /**
   * The network that is trained.
   *
   * @param samples B: the rows of every linear layer belong to so many samples, as many to each
   */
  Network trained(Ops ops, int samples);

  /**
   * Sets what chance gives a step, for a plan of {@link #trained}.
   *
   * @param keys of the samples; what one gets depends on neither its place nor its worker
   */
  void draw(CompiledGraph plan, long step, List<String> keys);

  /**
   * The network in use, without dropout.
   *
   * @param parameters what is trained: live values, or averaged ones
   */
  Network used(Ops ops, Parameters parameters);

  /** The weights that stay as they are, by name; empty where all are trained. */
  Map<String, INDArray> frozen();

  /** Everything is trained, from random weights. */
  static TrainedWeights all(long seed) {
    return new AllWeights(seed);
  }

  /**
   * Adapters are trained, on weights that stay as they are: constants of the plans, without
   * gradients, optimizer state or averages.
   *
   * @param type of the plans
   */
  static TrainedWeights adapters(LoraConfig config, Pretrained base, DataType type, long seed) {
    return new AdapterWeights(config, base, type, seed);
  }
}
