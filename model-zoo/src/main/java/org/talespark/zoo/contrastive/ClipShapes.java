package org.talespark.zoo.contrastive;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.Dtype;
import org.talespark.zoo.text.TextEncoder;

/** The tensors of a {@code CLIPModel}: what a file must hold. */
final class ClipShapes {
  /** What older versions stored too: the numbers 0, 1, 2 and so on. */
  private static final List<String> POSITIONS =
      List.of("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids");

  private final Map<String, List<Long>> shapes = new LinkedHashMap<>();

  private ClipShapes() {}

  /** Every parameter's shape by name. */
  static Map<String, List<Long>> of(ClipModel.Config config) {
    ClipShapes made = new ClipShapes();
    TextEncoder.Config text = config.textConfig();
    VisionEncoder.Config vision = config.visionConfig();
    made.put(ClipModel.LOGIT_SCALE);
    made.put("text_model.embeddings.token_embedding.weight", text.vocabSize(), text.hiddenSize());
    made.put(
        "text_model.embeddings.position_embedding.weight",
        text.maxPositionEmbeddings(),
        text.hiddenSize());
    made.layers("text_model.", text.numHiddenLayers(), text.hiddenSize(), text.intermediateSize());
    made.norm("text_model.final_layer_norm", text.hiddenSize());
    made.put("text_projection.weight", config.projectionDim(), text.hiddenSize());
    made.put("vision_model.embeddings.class_embedding", vision.hiddenSize());
    made.put(
        "vision_model.embeddings.patch_embedding.weight",
        vision.hiddenSize(),
        vision.numChannels(),
        vision.patchSize(),
        vision.patchSize());
    made.put(
        "vision_model.embeddings.position_embedding.weight", vision.tokens(), vision.hiddenSize());
    made.norm("vision_model.pre_layrnorm", vision.hiddenSize());
    made.layers(
        "vision_model.", vision.numHiddenLayers(), vision.hiddenSize(), vision.intermediateSize());
    made.norm("vision_model.post_layernorm", vision.hiddenSize());
    made.put("visual_projection.weight", config.projectionDim(), vision.hiddenSize());
    return made.shapes;
  }

  /**
   * Holds tensors against what a model of this configuration has.
   *
   * @return its parameters by name, {@code logit_bias} among them where it is there
   * @throws IllegalArgumentException naming the first tensor that is missing, has another shape or
   *     type, or does not belong
   */
  static Map<String, INDArray> parameters(ClipModel.Config config, Map<String, INDArray> tensors) {
    Map<String, INDArray> parameters = new LinkedHashMap<>();
    of(config)
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
              if (!found.dataType().isFPType()) {
                throw refused(
                    "tensor=%s dtype=%s, expected floating-point numbers"
                        .formatted(name, Dtype.of(found.dataType())));
              }
              parameters.put(name, found);
            });
    for (String name : tensors.keySet()) {
      if (name.equals(ContrastivePull.LOGIT_BIAS)) {
        parameters.put(name, tensors.get(name));
      } else if (!parameters.containsKey(name) && !POSITIONS.contains(name)) {
        throw refused("tensor=%s is no part of a CLIPModel".formatted(name));
      }
    }
    return parameters;
  }

  private static IllegalArgumentException refused(String what) {
    return new IllegalArgumentException("Cannot use checkpoint as CLIP: " + what);
  }

  private void put(String name, long... shape) {
    shapes.put(name, Arrays.stream(shape).boxed().toList());
  }

  private void layers(String root, int count, int width, int inner) {
    for (int i = 0; i < count; i++) {
      String layer = root + "encoder.layers.%d.".formatted(i);
      for (String part : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
        linear(layer + "self_attn." + part, width, width);
      }
      norm(layer + "layer_norm1", width);
      norm(layer + "layer_norm2", width);
      linear(layer + "mlp.fc1", inner, width);
      linear(layer + "mlp.fc2", width, inner);
    }
  }

  private void linear(String module, int out, int in) {
    put(module + ".weight", out, in);
    put(module + ".bias", out);
  }

  private void norm(String module, int width) {
    put(module + ".weight", width);
    put(module + ".bias", width);
  }
}
