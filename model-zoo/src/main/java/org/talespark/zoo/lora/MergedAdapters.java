package org.talespark.zoo.lora;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.Nearest;

/**
 * Adapters by name on the weights of one base, merged into these weights: W + the sum of weight
 * scale B A over the adapters that are in use. What is changed is kept as it was, so that another
 * choice, or none, is exact: weights never drift.
 */
public final class MergedAdapters {
  private final Map<String, INDArray> model;
  private final Map<String, INDArray> kept = new TreeMap<>();
  private final Map<String, PeftAdapter> adapters = new TreeMap<>();
  private Map<String, Double> merged = Map.of();

  /**
   * For a model's weights.
   *
   * @param model live arrays by name, to which is written
   */
  public MergedAdapters(Map<String, INDArray> model) {
    this.model = model;
  }

  /**
   * Adds an adapter, which is not in use yet; one of the same name is replaced, unless it is
   * merged.
   *
   * @throws IllegalArgumentException when it does not fit the model
   */
  public void add(String name, PeftAdapter adapter) {
    if (merged.containsKey(name)) {
      throw new IllegalArgumentException(
          "Cannot replace adapter: name=%s is merged; try unmerge() first".formatted(name));
    }
    adapter.deltas(model);
    adapters.put(name, adapter);
  }

  /** Uses one adapter, in place of those that were in use. */
  public void merge(String name) {
    merge(Map.of(name, 1.0));
  }

  /**
   * Uses several adapters, each with its weight, in place of those that were in use.
   *
   * @throws IllegalArgumentException when there is none of a name, or when weights would not be
   *     finite; the model then stays as it was
   */
  public void merge(Map<String, Double> weights) {
    Map<String, INDArray> sums = new LinkedHashMap<>();
    new TreeMap<>(weights)
        .forEach(
            (name, weight) ->
                adapter(name)
                    .deltas(model)
                    .forEach(
                        (tensor, delta) -> sums.merge(tensor, delta.muli(weight), INDArray::addi)));
    sums.forEach(
        (tensor, delta) -> {
          if (!Double.isFinite(delta.sumNumber().doubleValue())) {
            throw new IllegalArgumentException(
                "Cannot merge adapters: weights=%s tensor=%s, expected finite numbers"
                    .formatted(weights, tensor));
          }
        });
    unmerge();
    sums.forEach(
        (tensor, delta) -> {
          INDArray weight = model.get(tensor);
          kept.put(tensor, weight.dup());
          weight.addi(delta);
        });
    merged = Map.copyOf(weights);
  }

  /** Brings the base back, to the bit. */
  public void unmerge() {
    kept.forEach((tensor, original) -> model.get(tensor).assign(original));
    kept.clear();
    merged = Map.of();
  }

  /** Which adapters are in use, with their weights. */
  public Map<String, Double> merged() {
    return merged;
  }

  private PeftAdapter adapter(String name) {
    PeftAdapter adapter = adapters.get(name);
    if (adapter == null) {
      throw new IllegalArgumentException(
          "Cannot find adapter: name=%s, expected one of %s%s"
              .formatted(
                  name,
                  adapters.keySet(),
                  Nearest.to(name, adapters.keySet())
                      .map(near -> "; did you mean " + near + "?")
                      .orElse("")));
    }
    return adapter;
  }
}
