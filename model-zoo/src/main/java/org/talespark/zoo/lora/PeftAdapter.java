package org.talespark.zoo.lora;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.ExportedFile;
import org.talespark.zoo.io.ModelFiles;
import org.talespark.zoo.io.ModelWeights;
import org.talespark.zoo.lora.LoraTensor.Part;

/**
 * An adapter in PEFT's files: {@code adapter_config.json} and {@code adapter_model.safetensors}
 * with {@code base_model.model.LAYER.lora_A.weight} [r, in] and {@code .lora_B.weight} [out, r] for
 * each layer. Saved after it was loaded, it is the same byte for byte.
 */
public final class PeftAdapter {
  /** What the adapter is. */
  public static final String CONFIG = "adapter_config.json";

  /** Its tensors. */
  public static final String WEIGHTS = "adapter_model.safetensors";

  /** The key of {@code config.json} under which a checkpoint with adapters names its base. */
  public static final String BASE = "base";

  /** What is added to one layer: A [r, in], B [out, r]. */
  private record Pair(INDArray a, INDArray b) {}

  private final byte[] file;
  private final LoraConfig config;
  private final Map<String, Pair> pairs;
  private final ModelWeights weights; // null where it was not read from files

  private PeftAdapter(byte[] file, Map<String, INDArray> tensors, ModelWeights weights) {
    this.file = file;
    this.config = PeftFile.read(file);
    this.weights = weights;
    this.pairs = pairs(tensors);
  }

  /** The {@code adapter_config.json} of adapters that are trained here. */
  public static byte[] config(LoraConfig config) {
    return PeftFile.write(config);
  }

  /** Where the base is, if an {@code adapter_config.json} says so. */
  public static Optional<String> base(byte[] config) {
    return PeftFile.base(config);
  }

  /**
   * An adapter from its parts.
   *
   * @param config bytes of its {@code adapter_config.json}
   * @throws IllegalArgumentException naming what does not fit together
   */
  public static PeftAdapter of(byte[] config, Map<String, INDArray> tensors) {
    return new PeftAdapter(config.clone(), tensors, null);
  }

  /**
   * Reads a directory.
   *
   * @throws IllegalArgumentException naming what does not fit together
   */
  public static PeftAdapter read(ModelFiles directory) throws IOException {
    for (String name : List.of(CONFIG, WEIGHTS)) {
      if (!directory.has(name)) {
        throw new IllegalArgumentException(
            "Cannot use adapter: directory=%s has no %s".formatted(directory, name));
      }
    }
    ModelWeights weights = ModelWeights.read(directory, WEIGHTS);
    return new PeftAdapter(directory.bytes(CONFIG), weights.tensors(), weights);
  }

  private Map<String, Pair> pairs(Map<String, INDArray> tensors) {
    Map<String, Pair> found = new TreeMap<>();
    tensors.forEach(
        (key, tensor) -> {
          LoraTensor name =
              LoraTensor.of(key)
                  .orElseThrow(
                      () ->
                          refused(
                              "tensor=%s, expected base_model.model.LAYER.lora_A.weight or .lora_B.weight"
                                  .formatted(key)));
          int rankAt = name.part() == Part.A ? 0 : 1;
          if (tensor.rank() != 2 || tensor.size(rankAt) != config.r()) {
            throw refused(
                "tensor=%s shape=%s, expected %s by r=%d in %s"
                    .formatted(
                        key,
                        Arrays.toString(tensor.shape()),
                        name.part() == Part.A ? "[r, in]" : "[out, r]",
                        config.r(),
                        CONFIG));
          }
          if (!tensor.dataType().isFPType() || !isFinite(tensor)) {
            throw refused("tensor=%s, expected finite floating-point numbers".formatted(key));
          }
          Pair other = found.getOrDefault(name.layer(), new Pair(null, null));
          found.put(
              name.layer(),
              name.part() == Part.A ? new Pair(tensor, other.b()) : new Pair(other.a(), tensor));
        });
    if (found.isEmpty()) {
      throw refused("%s holds no tensors".formatted(WEIGHTS));
    }
    found.forEach(
        (layer, pair) -> {
          if (pair.a() == null || pair.b() == null) {
            Part missing = pair.a() == null ? Part.A : Part.B;
            throw refused("tensor=%s is missing".formatted(new LoraTensor(layer, missing).key()));
          }
        });
    return found;
  }

  private static boolean isFinite(INDArray tensor) {
    return Double.isFinite(tensor.sumNumber().doubleValue());
  }

  private static IllegalArgumentException refused(String what) {
    return new IllegalArgumentException("Cannot use adapter: " + what);
  }

  public LoraConfig config() {
    return config;
  }

  /** Live arrays by their keys in the file; what is assigned to them is saved. */
  public Map<String, INDArray> tensors() {
    Map<String, INDArray> tensors = new TreeMap<>();
    pairs.forEach(
        (layer, pair) -> {
          tensors.put(new LoraTensor(layer, Part.A).key(), pair.a());
          tensors.put(new LoraTensor(layer, Part.B).key(), pair.b());
        });
    return Collections.unmodifiableMap(tensors);
  }

  /**
   * What is added to the weights of a model's layers, scale B A.
   *
   * @param model the model's tensors
   * @return by the names of the weights, [out, in]
   * @throws IllegalArgumentException naming a layer that the model lacks, or both shapes
   */
  Map<String, INDArray> deltas(Map<String, INDArray> model) {
    Map<String, INDArray> deltas = new TreeMap<>();
    pairs.forEach(
        (layer, pair) -> {
          String name = layer + ".weight";
          INDArray weight = model.get(name);
          if (weight == null || weight.rank() != 2) {
            throw refused(
                "layer=%s, which is no linear layer of the model; %s"
                    .formatted(layer, TargetModules.nearest(layer, linears(model))));
          }
          long[] shape = {pair.b().size(0), pair.a().size(1)};
          if (!Arrays.equals(weight.shape(), shape)) {
            throw refused(
                "layer=%s shape=%s, expected %s as the model's"
                    .formatted(layer, Arrays.toString(shape), Arrays.toString(weight.shape())));
          }
          INDArray a = pair.a().castTo(weight.dataType());
          INDArray b = pair.b().castTo(weight.dataType());
          deltas.put(name, b.mmul(a).muli(config.scale()));
        });
    return deltas;
  }

  /**
   * Merges the adapter into a model's weights.
   *
   * @param model live arrays by name, to which is written
   * @throws IllegalArgumentException when it does not fit the model
   */
  public void mergeInto(Map<String, INDArray> model) {
    MergedAdapters alone = new MergedAdapters(model);
    alone.add("adapter", this);
    alone.merge("adapter");
  }

  /** Names of what may be linear layers. */
  private static List<String> linears(Map<String, INDArray> model) {
    return model.entrySet().stream()
        .filter(e -> e.getKey().endsWith(".weight") && e.getValue().rank() == 2)
        .map(e -> e.getKey().replaceFirst("\\.weight$", ""))
        .toList();
  }

  /** Writes a directory of the same files, with the present values. */
  public void write(ModelFiles directory) throws IOException {
    if (weights == null) {
      try (OutputStream out = directory.create(WEIGHTS)) {
        ExportedFile.tensors(WEIGHTS, tensors()).body().writeTo(out);
      }
    } else {
      weights.write(directory);
    }
    try (OutputStream out = directory.create(CONFIG)) {
      out.write(file);
    }
  }
}
