package org.talespark.zoo.lora;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.Parameters;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.NoiseKey;
import org.talespark.zoo.train.Pretrained;

/** Adapters are trained; all plans share the arrays of the base, which nothing writes to. */
final class AdapterWeights implements TrainedWeights {
  private final LoraConfig config;
  private final Pretrained base;
  private final long seed;
  private final Map<String, INDArray> frozen = new TreeMap<>();

  AdapterWeights(LoraConfig config, Pretrained base, DataType type, long seed) {
    this.config = config;
    this.base = base;
    this.seed = seed;
    base.tensors()
        .forEach(
            (name, tensor) -> {
              if (tensor.dataType().isFPType()) {
                frozen.put(name, tensor.castTo(type)); // itself where it is of this type
              }
            });
  }

  @Override
  public Network trained(Ops ops, int samples) {
    LoraLinears adapters = LoraLinears.trainable(config, seed, samples);
    Layers layers = Layers.adapted(ops, adapters);
    return new Network(
        layers,
        builder -> {
          adapters.check();
          if (adapters.drops()) {
            builder.input(LoraLinears.KEYS, samples, 2);
          }
          return bindBase(builder, layers).train(adapters.names());
        });
  }

  /** The samples' keys, for dropout. */
  @Override
  public void draw(CompiledGraph plan, long step, List<String> keys) {
    if (config.loraDropout() > 0) {
      int[] halves = new int[2 * keys.size()];
      for (int b = 0; b < keys.size(); b++) {
        long key = NoiseKey.training(seed, step, keys.get(b));
        halves[2 * b] = (int) (key >>> Integer.SIZE);
        halves[2 * b + 1] = (int) key;
      }
      plan.fill(LoraLinears.KEYS, halves);
    }
  }

  @Override
  public Network used(Ops ops, Parameters parameters) {
    Layers layers = Layers.adapted(ops, LoraLinears.bound(config));
    return new Network(layers, builder -> bindBase(builder, layers).bind(parameters));
  }

  private CompiledGraph.Builder bindBase(CompiledGraph.Builder builder, Layers layers) {
    for (String name : layers.names()) {
      INDArray tensor = frozen.containsKey(name) ? frozen.get(name) : base.tensor(name);
      long[] expected = layers.ops().graph().getVariable(name).getShape();
      if (!Arrays.equals(tensor.shape(), expected)) {
        throw new IllegalArgumentException(
            "Cannot use base: tensor=%s shape=%s, expected %s by the model's configuration"
                .formatted(name, Arrays.toString(tensor.shape()), Arrays.toString(expected)));
      }
      builder.bind(name, tensor);
    }
    return builder;
  }

  @Override
  public Map<String, INDArray> frozen() {
    return Collections.unmodifiableMap(frozen);
  }
}
