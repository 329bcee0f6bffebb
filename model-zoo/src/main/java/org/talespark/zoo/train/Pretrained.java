package org.talespark.zoo.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.SafetensorsReader;
import org.talespark.zoo.io.SafetensorsWriter;
import org.talespark.zoo.io.TensorSource;

/**
 * A checkpoint that another run made.
 *
 * @param config its {@code config.json}
 * @param tensors its weights by name
 * @param files all other files that the model needs, by name
 */
public record Pretrained(
    JsonNode config, Map<String, INDArray> tensors, Map<String, byte[]> files) {
  private static final String CONFIG = ".json";
  private static final String WEIGHTS = ".safetensors";

  public Pretrained {
    tensors = Map.copyOf(tensors);
    files = Map.copyOf(files);
  }

  /** A file by name; fails naming it when it is missing. */
  public byte[] file(String name) {
    byte[] file = files.get(name);
    if (file == null) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint: file %s is missing; it holds %s"
              .formatted(name, files.keySet().stream().sorted().toList()));
    }
    return file;
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

  /** Files that hold this checkpoint inside another, under names that begin with {@code name}. */
  public Map<String, byte[]> asFiles(String name) {
    ByteArrayOutputStream weights = new ByteArrayOutputStream();
    try {
      List<TensorSource> sources =
          tensors.entrySet().stream().map(e -> TensorSource.of(e.getKey(), e.getValue())).toList();
      SafetensorsWriter.write(weights, Map.of("format", "pt"), sources);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot pack checkpoint: name=" + name, e);
    }
    Map<String, byte[]> packed = new LinkedHashMap<>();
    packed.put(name + CONFIG, config.toString().getBytes(UTF_8));
    packed.put(name + WEIGHTS, weights.toByteArray());
    return packed;
  }

  /** The checkpoint that {@link #asFiles} put into this one. */
  public Pretrained part(String name) {
    byte[] weights = file(name + WEIGHTS);
    Map<String, INDArray> found = new HashMap<>();
    try {
      SafetensorsReader.open(new ByteArrayInputStream(weights), weights.length)
          .forEach(tensor -> found.put(tensor.info().name(), tensor.load()));
      return new Pretrained(
          new ObjectMapper().readTree(new String(file(name + CONFIG), UTF_8)), found, Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot use checkpoint: part=" + name, e);
    }
  }
}
