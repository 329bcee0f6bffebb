package org.talespark.zoo.contrastive;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.train.Pretrained;

/**
 * Hugging Face's {@code config.json} and {@code preprocessor_config.json} of a {@code CLIPModel}.
 */
public final class ClipFile {
  /** What a picture goes through before the model sees it. */
  public static final String PREPROCESSOR = "preprocessor_config.json";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MODEL_TYPE = "clip";

  /** Where a model that has a CLIP inside keeps its keys. */
  private static final String INSIDE = "clip_config";

  private static final double DEFAULT_EPSILON = 1e-5;
  private static final double DEFAULT_SCALE = 2.6592;
  private static final int DEFAULT_END = 49407;
  private static final int BICUBIC = 3;

  private ClipFile() {}

  /** The keys of {@code config.json}. */
  public static Map<String, Object> write(ClipModel.Config config) {
    TextEncoder.Config text = config.textConfig();
    Map<String, Object> ofText = new LinkedHashMap<>();
    ofText.put("model_type", "clip_text_model");
    ofText.put("vocab_size", text.vocabSize());
    ofText.put("hidden_size", text.hiddenSize());
    ofText.put("intermediate_size", text.intermediateSize());
    ofText.put("projection_dim", config.projectionDim());
    ofText.put("num_hidden_layers", text.numHiddenLayers());
    ofText.put("num_attention_heads", text.numAttentionHeads());
    ofText.put("max_position_embeddings", text.maxPositionEmbeddings());
    ofText.put("hidden_act", text.hiddenAct());
    ofText.put("layer_norm_eps", text.layerNormEps());
    ofText.put("attention_dropout", 0.0);
    ofText.put("pad_token_id", 0);
    ofText.put("eos_token_id", text.eosTokenId());
    VisionEncoder.Config vision = config.visionConfig();
    Map<String, Object> ofVision = new LinkedHashMap<>();
    ofVision.put("model_type", "clip_vision_model");
    ofVision.put("hidden_size", vision.hiddenSize());
    ofVision.put("intermediate_size", vision.intermediateSize());
    ofVision.put("projection_dim", config.projectionDim());
    ofVision.put("num_hidden_layers", vision.numHiddenLayers());
    ofVision.put("num_attention_heads", vision.numAttentionHeads());
    ofVision.put("num_channels", vision.numChannels());
    ofVision.put("image_size", vision.imageSize());
    ofVision.put("patch_size", vision.patchSize());
    ofVision.put("hidden_act", vision.hiddenAct());
    ofVision.put("layer_norm_eps", vision.layerNormEps());
    ofVision.put("attention_dropout", 0.0);
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("architectures", List.of("CLIPModel"));
    file.put("model_type", MODEL_TYPE);
    file.put("projection_dim", config.projectionDim());
    file.put("logit_scale_init_value", config.logitScaleInitValue());
    file.put("text_config", ofText);
    file.put("vision_config", ofVision);
    file.put("torch_dtype", "float32");
    return file;
  }

  /** A {@code preprocessor_config.json} for pictures in [-1, 1]. */
  public static byte[] preprocessor(ClipModel.Config config) {
    int side = config.visionConfig().imageSize();
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("image_processor_type", "CLIPImageProcessor");
    file.put("do_convert_rgb", true);
    file.put("do_resize", true);
    file.put("size", Map.of("shortest_edge", side));
    file.put("resample", BICUBIC);
    file.put("do_center_crop", true);
    file.put("crop_size", new LinkedHashMap<>(Map.of("height", side, "width", side)));
    file.put("do_rescale", true);
    file.put("rescale_factor", 1.0 / 255);
    file.put("do_normalize", true);
    file.put("image_mean", List.of(0.5, 0.5, 0.5));
    file.put("image_std", List.of(0.5, 0.5, 0.5));
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(file);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot write " + PREPROCESSOR, e);
    }
  }

  /**
   * Reads such a {@code config.json}, with Hugging Face's defaults; refuses models that compute
   * something else. What older files say in {@code text_config_dict} and {@code vision_config_dict}
   * counts more, as it does there. Of a fusion model it is that of its towers.
   */
  public static ClipModel.Config read(JsonNode file) {
    if (isInside(file)) {
      return read(file.get(INSIDE));
    }
    if (!file.path("model_type").asText().equals(MODEL_TYPE)) {
      throw refused("model_type", file.path("model_type"), MODEL_TYPE);
    }
    Section text = new Section("text_config", file);
    Section vision = new Section("vision_config", file);
    return new ClipModel.Config(
        new TextEncoder.Config(
            text.size("vocab_size", 49408),
            text.size("hidden_size", 512),
            text.size("intermediate_size", 2048),
            text.size("num_hidden_layers", 12),
            text.size("num_attention_heads", 8),
            text.size("max_position_embeddings", 77),
            text.value("layer_norm_eps").asDouble(DEFAULT_EPSILON),
            text.activation(),
            text.size("eos_token_id", DEFAULT_END)),
        new VisionEncoder.Config(
            vision.size("hidden_size", 768),
            vision.size("intermediate_size", 3072),
            vision.size("num_hidden_layers", 12),
            vision.size("num_attention_heads", 12),
            vision.size("num_channels", 3),
            vision.size("image_size", 224),
            vision.size("patch_size", 32),
            vision.value("layer_norm_eps").asDouble(DEFAULT_EPSILON),
            vision.activation()),
        new Section("", file).size("projection_dim", 512),
        file.path("logit_scale_init_value").asDouble(DEFAULT_SCALE));
  }

  /** Whether a {@code config.json} is of a model that has a CLIP inside. */
  static boolean isInside(JsonNode config) {
    return config.has(INSIDE);
  }

  /**
   * The CLIP in a checkpoint: itself, or the towers of a fusion model, whose tensors have the names
   * that they have in a CLIP and stand beside others.
   */
  public static Pretrained clip(Pretrained checkpoint) {
    if (!isInside(checkpoint.config())) {
      return checkpoint;
    }
    JsonNode inside = checkpoint.config().get(INSIDE);
    Map<String, INDArray> tensors = new LinkedHashMap<>(checkpoint.tensors());
    Set<String> names = ClipShapes.of(read(inside)).keySet();
    tensors
        .keySet()
        .removeIf(name -> !names.contains(name) && !name.equals(ContrastivePull.LOGIT_BIAS));
    return new Pretrained(inside, tensors, checkpoint.files());
  }

  /** The keys of one tower, or of the whole file where the name is empty. */
  private record Section(String name, JsonNode file) {
    JsonNode value(String key) {
      if (name.isEmpty()) {
        return file.path(key);
      }
      JsonNode older = file.path(name + "_dict").path(key);
      return older.isMissingNode() || older.isNull() ? file.path(name).path(key) : older;
    }

    int size(String key, int otherwise) {
      JsonNode value = value(key);
      if (value.isMissingNode() || value.isNull()) {
        return otherwise;
      }
      if (!value.canConvertToInt() || !value.isIntegralNumber()) {
        throw refused(path(key), value, "a whole number");
      }
      return value.intValue();
    }

    Activation activation() {
      String found = value("hidden_act").asText("quick_gelu");
      return switch (found) {
        case "quick_gelu" -> Activation.QUICK_GELU;
        case "gelu" -> Activation.GELU;
        default -> throw refused(path("hidden_act"), value("hidden_act"), "quick_gelu or gelu");
      };
    }

    private String path(String key) {
      return name.isEmpty() ? key : name + "." + key;
    }
  }

  private static IllegalArgumentException refused(String key, JsonNode value, String expected) {
    return new IllegalArgumentException(
        "Cannot use checkpoint as CLIP: config.json has %s=%s, expected %s"
            .formatted(key, value.isMissingNode() ? "nothing" : value, expected));
  }
}
