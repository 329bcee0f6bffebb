package org.talespark.zoo.graph;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A step in SameDiff's own interpreter, with the backward pass that plans have too: what a {@link
 * CompiledGraph} is held against. The interpreter knows no fused operations, so the graph must be
 * made without them.
 */
public final class Interpreter {
  private final SameDiff graph;
  private final Map<String, String> gradients;

  /**
   * Appends the backward pass to a graph.
   *
   * @param losses loss terms, each a scalar; gradients are of their sum
   * @param wanted parameters and inputs whose gradients are wanted; each must reach the losses
   */
  public Interpreter(SameDiff graph, Collection<String> losses, Collection<String> wanted) {
    this.graph = graph;
    this.gradients = new LinkedHashMap<>();
    Autodiff.gradients(graph, losses, wanted)
        .forEach((name, gradient) -> gradients.put(name, gradient.name()));
    for (String name : wanted) {
      if (!gradients.containsKey(name)) {
        throw new IllegalArgumentException(
            "Cannot interpret graph: variable=%s has no path to the losses %s"
                .formatted(name, losses));
      }
    }
  }

  /** Runs a step for these inputs: gradients by the name of their variable, new arrays. */
  public Map<String, INDArray> gradients(Map<String, INDArray> inputs) {
    return run(inputs, List.of()).gradients();
  }

  /** Runs a step for these inputs and also gives the values of some variables. */
  public Step run(Map<String, INDArray> inputs, List<String> outputs) {
    List<String> names = new ArrayList<>(outputs);
    names.addAll(gradients.values());
    Map<String, INDArray> all = graph.output(inputs, names);
    Map<String, INDArray> values = new LinkedHashMap<>();
    outputs.forEach(name -> values.put(name, all.get(name)));
    Map<String, INDArray> found = new LinkedHashMap<>();
    gradients.forEach((name, gradient) -> found.put(name, all.get(gradient)));
    return new Step(values, found);
  }

  /** What a step gives: values of variables, and gradients by the name of their variable. */
  public record Step(Map<String, INDArray> outputs, Map<String, INDArray> gradients) {}
}
