package org.talespark.zoo.lora;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.LinearAdapter;
import org.talespark.zoo.nn.Uniform;

/**
 * The adapters of one graph: y + scale B A x at each target. A begins uniform in
 * &plusmn;1/sqrt(in), which is Kaiming's distribution with a = sqrt(5) as in PEFT, and depends on
 * the seed and the layer's name alone; B begins as zero, so that the model begins as its base.
 */
final class LoraLinears implements LinearAdapter {
  /** Input of dropout, int32 [B, 2]: the keys of a step's samples. */
  static final String KEYS = "lora_dropout_keys";

  private final LoraConfig config;
  private final Long seed; // null where the adapters are only used
  private final int samples;
  private final List<String> layers = new ArrayList<>();
  private final List<String> names = new ArrayList<>();

  private LoraLinears(LoraConfig config, Long seed, int samples) {
    this.config = config;
    this.seed = seed;
    this.samples = samples;
  }

  /**
   * Adapters that are trained.
   *
   * @param samples B of the graph
   */
  static LoraLinears trainable(LoraConfig config, long seed, int samples) {
    return new LoraLinears(config, seed, samples);
  }

  /** Adapters that are constants of zero, to be bound to arrays by name. */
  static LoraLinears bound(LoraConfig config) {
    return new LoraLinears(config, null, 0);
  }

  @Override
  public SDVariable adapt(Ops ops, Linear layer) {
    layers.add(layer.name());
    if (!config.targetModules().matches(layer.name())) {
      return layer.output();
    }
    SDVariable a = factor(ops, layer, LoraTensor.Part.A, config.r(), layer.in());
    SDVariable b = factor(ops, layer, LoraTensor.Part.B, layer.out(), config.r());
    SDVariable narrow = ops.linear(dropout(ops, layer), a, null).mul(config.scale()); // [N, r]
    return layer.output().add(ops.linear(narrow, b, null));
  }

  private SDVariable dropout(Ops ops, Linear layer) {
    if (!drops()) {
      return layer.input();
    }
    SDVariable keys =
        ops.graph().hasVariable(KEYS)
            ? ops.graph().getVariable(KEYS)
            : ops.indices(KEYS, samples, 2);
    return ops.dropout(layer.input(), keys, config.loraDropout(), Uniform.hash(layer.name()));
  }

  /** Whether the graph has the input {@link #KEYS}. */
  boolean drops() {
    return seed != null && config.loraDropout() > 0;
  }

  private SDVariable factor(Ops ops, Linear layer, LoraTensor.Part part, long... shape) {
    String name = new LoraTensor(layer.name(), part).key();
    if (ops.graph().hasVariable(name)) {
      return ops.graph().getVariable(name); // a second pass
    }
    names.add(name);
    if (seed == null) {
      return ops.frozen(name, Nd4j.zeros(ops.type(), shape));
    }
    return ops.parameter(
        name,
        part == LoraTensor.Part.A
            ? Uniform.fill(seed, name, 1 / Math.sqrt((double) layer.in()), shape, DataType.DOUBLE)
            : Nd4j.zeros(ops.type(), shape));
  }

  /** The tensors of all adapters. */
  List<String> names() {
    return List.copyOf(names);
  }

  /** Refuses targets that the graph, once it is complete, does not have. */
  void check() {
    config.checkTargets(layers);
  }
}
