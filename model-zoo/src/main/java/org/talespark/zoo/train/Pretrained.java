package org.talespark.zoo.train;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A checkpoint that another run made.
 *
 * @param config its {@code config.json}
 * @param tensors its weights by name
 */
public record Pretrained(JsonNode config, Map<String, INDArray> tensors) {
  public Pretrained {
    tensors = Map.copyOf(tensors);
  }

  /** A tensor by name; fails naming it when it is missing. */
  public INDArray tensor(String name) {
    INDArray tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint: tensor %s is missing; it holds %s"
              .formatted(name, tensors.keySet().stream().sorted().limit(8).toList()));
    }
    return tensor;
  }
}
