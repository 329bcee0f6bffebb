package org.talespark.zoo.contrastive;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.ModelFiles;
import org.talespark.zoo.io.ModelWeights;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.Pretrained;

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

  private final ClipModel.Config config;
  private final ModelWeights weights;
  private final Map<String, INDArray> parameters;
  private final Map<String, byte[]> files;

  private HfClip(ClipModel.Config config, ModelWeights weights, Map<String, byte[]> files) {
    this.config = config;
    this.weights = weights;
    this.parameters = ClipShapes.parameters(config, weights.tensors());
    this.files = files;
  }

  /**
   * Reads a directory.
   *
   * @throws IllegalArgumentException when configuration, weights and tokenizer do not fit together,
   *     naming the tensor and both shapes
   */
  public static HfClip read(ModelFiles directory) throws IOException {
    Map<String, byte[]> files = files(directory);
    ClipModel.Config config =
        ClipFile.read(new ObjectMapper().readTree(new String(files.get(CONFIG), UTF_8)));
    if (files.containsKey(Tokenizer.FILE)) {
      Tokenizer tokenizer = new Tokenizer(files.get(Tokenizer.FILE));
      new ClipTexts(config, tokenizer, config.textConfig().maxPositionEmbeddings()).close();
    }
    return new HfClip(config, ModelWeights.read(directory), files);
  }

  private static Map<String, byte[]> files(ModelFiles directory) throws IOException {
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
    return files;
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

  /** The same as a checkpoint that is only used. */
  public Pretrained pretrained() throws IOException {
    return used(files, parameters);
  }

  /** Configuration, tokenizer and processor of a directory, as far as they are there. */
  public static Pretrained described(ModelFiles directory) throws IOException {
    return used(files(directory), Map.of());
  }

  private static Pretrained used(Map<String, byte[]> files, Map<String, INDArray> parameters)
      throws IOException {
    Map<String, byte[]> others = new LinkedHashMap<>(files);
    byte[] json = others.remove(CONFIG);
    return new Pretrained(new ObjectMapper().readTree(new String(json, UTF_8)), parameters, others);
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
