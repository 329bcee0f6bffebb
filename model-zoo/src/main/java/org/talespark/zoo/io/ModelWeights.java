package org.talespark.zoo.io;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * All tensors of a Hugging Face directory: of {@code model.safetensors}, or of the files that
 * {@code model.safetensors.index.json} lists. What has been read is written back byte for byte,
 * headers and order included, with the present values of the arrays.
 *
 * <p>Half-precision tensors become arrays of floats, and are rounded again when written.
 */
public final class ModelWeights {
  public static final String FILE = "model.safetensors";
  public static final String INDEX = "model.safetensors.index.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** A file: what stands in front of its tensors, and what that says. */
  private static final class Part {
    private final String file;
    private final byte[] start;
    private final SafetensorsHeader header;

    Part(String file, byte[] start, SafetensorsHeader header) {
      this.file = file;
      this.start = start;
      this.header = header;
    }
  }

  private final List<Part> parts;
  private final byte[] index; // null for a single file
  private final Map<String, INDArray> tensors;
  private final Map<String, Dtype> dtypes;

  private ModelWeights(List<Part> parts, byte[] index, Map<String, INDArray> tensors) {
    this.parts = parts;
    this.index = index;
    this.tensors = tensors;
    this.dtypes = new LinkedHashMap<>();
    for (Part part : parts) {
      part.header.tensors().forEach((name, info) -> dtypes.put(name, info.dtype()));
    }
  }

  /**
   * Reads all tensors.
   *
   * @throws SafetensorsException when a file is damaged, or index and files disagree
   */
  public static ModelWeights read(ModelFiles files) throws IOException {
    if (files.has(FILE)) {
      return read(files, FILE);
    }
    if (!files.has(INDEX)) {
      throw new SafetensorsException(
          "Cannot read model: directory=%s has neither %s nor %s".formatted(files, FILE, INDEX));
    }
    byte[] index = files.bytes(INDEX);
    Map<String, String> places = places(index);
    ModelWeights weights = read(files, List.copyOf(new TreeSet<>(places.values())), index);
    for (Part part : weights.parts) {
      for (String name : part.header.tensors().keySet()) {
        String place = places.remove(name);
        if (!part.file.equals(place)) {
          throw new SafetensorsException(
              "Cannot read model: tensor=%s is in %s, expected it in %s as %s says"
                  .formatted(Names.quote(name), part.file, place, INDEX));
        }
      }
    }
    if (!places.isEmpty()) {
      String name = places.keySet().iterator().next();
      throw new SafetensorsException(
          "Cannot read model: tensor=%s is missing in %s, where %s says it is"
              .formatted(Names.quote(name), places.get(name), INDEX));
    }
    return weights;
  }

  /** Reads all tensors of a single file of any name. */
  public static ModelWeights read(ModelFiles files, String file) throws IOException {
    return read(files, List.of(file), null);
  }

  private static Map<String, String> places(byte[] index) throws IOException {
    JsonNode map = JSON.readTree(new String(index, UTF_8)).path("weight_map");
    Map<String, String> places = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String file = entry.getValue().asText();
      if (!file.matches("[A-Za-z0-9._-]+\\.safetensors")) {
        throw new SafetensorsException(
            "Cannot read model: %s places tensor=%s in %s, expected the name of a safetensors file beside it"
                .formatted(INDEX, Names.quote(entry.getKey()), Names.quote(file)));
      }
      places.put(entry.getKey(), file);
    }
    return places;
  }

  private static ModelWeights read(ModelFiles files, List<String> names, byte[] index)
      throws IOException {
    List<Part> parts = new ArrayList<>();
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    for (String name : names) {
      if (!files.has(name)) {
        throw new SafetensorsException(
            "Cannot read model: file=%s is missing in directory=%s, expected it since %s lists it"
                .formatted(name, files, INDEX));
      }
      try (SafetensorsFile file = SafetensorsFile.open(files.open(name))) {
        parts.add(new Part(name, file.start(), file.header()));
        for (TensorInfo info : file.header().tensors().values()) {
          TensorData data = file.tensor(info.name());
          boolean half = info.dtype() == Dtype.F16 || info.dtype() == Dtype.BF16;
          tensors.put(info.name(), half ? data.load(DataType.FLOAT) : data.load());
        }
      }
    }
    return new ModelWeights(parts, index, tensors);
  }

  /** Live arrays by name, in the order of the files. */
  public Map<String, INDArray> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /** What a tensor is in its file. */
  public Dtype dtype(String name) {
    return dtypes.get(name);
  }

  /** Writes the same files with the present values. */
  public void write(ModelFiles files) throws IOException {
    for (Part part : parts) {
      try (OutputStream out = files.create(part.file)) {
        List<TensorSource> sources = new ArrayList<>();
        for (TensorInfo info : part.header.tensors().values()) {
          sources.add(TensorSource.of(info.name(), tensors.get(info.name()), info.dtype()));
        }
        SafetensorsWriter.rewrite(out, part.start, sources);
      }
    }
    if (index != null) {
      try (OutputStream out = files.create(INDEX)) {
        out.write(index);
      }
    }
  }
}
