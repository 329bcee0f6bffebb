package org.talespark.zoo.contrastive;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.Dtype;
import org.talespark.zoo.io.ModelFiles;
import org.talespark.zoo.io.ModelWeights;
import org.talespark.zoo.text.Tokenizer;

/**
 * A Hugging Face directory of a {@code CLIPModel}: {@code config.json}, weights in one file or
 * several, tokenizer and processor. Saved after it was loaded, it is the same byte for byte.
 */
public final class HfClip {
  private static final String CONFIG = "config.json";

  /** Files besides configuration and weights that are taken along. */
  private static final List<String> OTHERS =
      List.of(
          Tokenizer.FILE,
          ClipFile.PREPROCESSOR,
          "tokenizer_config.json",
          "special_tokens_map.json",
          "vocab.json",
          "merges.txt");

  /** What older versions stored too: the numbers 0, 1, 2 and so on. */
  private static final List<String> POSITIONS =
      List.of("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids");

  private final ClipModel.Config config;
  private final ModelWeights weights;
  private final Map<String, INDArray> parameters = new LinkedHashMap<>();
  private final Map<String, byte[]> files;

  private HfClip(ClipModel.Config config, ModelWeights weights, Map<String, byte[]> files) {
    this.config = config;
    this.weights = weights;
    this.files = files;
  }

  /**
   * Reads a directory.
   *
   * @throws IllegalArgumentException when configuration, weights and tokenizer do not fit together,
   *     naming the tensor and both shapes
   */
  public static HfClip read(ModelFiles directory) throws IOException {
    if (!directory.has(CONFIG)) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint as CLIP: directory=%s has no %s".formatted(directory, CONFIG));
    }
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put(CONFIG, directory.bytes(CONFIG));
    for (String name : OTHERS) {
      if (directory.has(name)) {
        files.put(name, directory.bytes(name));
      }
    }
    ClipModel.Config config =
        ClipFile.read(new ObjectMapper().readTree(new String(files.get(CONFIG), UTF_8)));
    if (files.containsKey(Tokenizer.FILE)) {
      Tokenizer tokenizer = new Tokenizer(files.get(Tokenizer.FILE));
      new ClipTexts(config, tokenizer, config.textConfig().maxPositionEmbeddings()).close();
    }
    HfClip read = new HfClip(config, ModelWeights.read(directory), files);
    read.check();
    return read;
  }

  private void check() {
    Map<String, INDArray> tensors = weights.tensors();
    ClipShapes.of(config)
        .forEach(
            (name, shape) -> {
              INDArray found = tensors.get(name);
              if (found == null) {
                throw refused("tensor=%s is missing, expected shape %s".formatted(name, shape));
              }
              if (!Arrays.stream(found.shape()).boxed().toList().equals(shape)) {
                throw refused(
                    "tensor=%s shape=%s, expected %s by config.json"
                        .formatted(name, Arrays.toString(found.shape()), shape));
              }
              Dtype dtype = weights.dtype(name);
              if (!found.dataType().isFPType()) {
                throw refused(
                    "tensor=%s dtype=%s, expected floating-point numbers".formatted(name, dtype));
              }
              parameters.put(name, found);
            });
    for (String name : tensors.keySet()) {
      if (name.equals(ClipPlans.LOGIT_BIAS)) {
        parameters.put(name, tensors.get(name));
      } else if (!parameters.containsKey(name) && !POSITIONS.contains(name)) {
        throw refused("tensor=%s is no part of a CLIPModel".formatted(name));
      }
    }
  }

  private static IllegalArgumentException refused(String what) {
    return new IllegalArgumentException("Cannot use checkpoint as CLIP: " + what);
  }

  public ClipModel.Config config() {
    return config;
  }

  /** Live arrays of all parameters by name; what is assigned to them is saved. */
  public Map<String, INDArray> parameters() {
    return Collections.unmodifiableMap(parameters);
  }

  /** Configuration, tokenizer and processor, as far as they are there, by name. */
  public Map<String, byte[]> files() {
    return Collections.unmodifiableMap(files);
  }

  /** Writes a directory of the same files, with the present weights. */
  public void write(ModelFiles directory) throws IOException {
    weights.write(directory);
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      try (OutputStream out = directory.create(file.getKey())) {
        out.write(file.getValue());
      }
    }
  }
}
