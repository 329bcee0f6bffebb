package org.talespark.zoo.contrastive;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.talespark.zoo.text.TextEncoder;

/** The tensors of a {@code CLIPModel}: what a file must hold. */
final class ClipShapes {
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
