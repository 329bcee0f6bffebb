package org.talespark.zoo.train;

import java.util.List;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Parameters;

/** Weights for the parameters of a network that is only used. */
@FunctionalInterface
public interface Weights {
  /** Gives each parameter its array. */
  CompiledGraph.Builder bind(CompiledGraph.Builder builder, List<String> names);

  /** Live parameters of a training. */
  static Weights of(Parameters parameters) {
    return (builder, names) -> builder.bind(parameters);
  }

  /** A checkpoint's; a missing one is named. */
  static Weights of(Pretrained checkpoint) {
    return (builder, names) -> {
      names.forEach(name -> builder.bind(name, checkpoint.tensor(name)));
      return builder;
    };
  }
}
