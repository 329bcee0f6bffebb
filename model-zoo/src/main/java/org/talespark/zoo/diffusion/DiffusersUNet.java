package org.talespark.zoo.diffusion;

import static java.util.Locale.ROOT;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code config.json} of diffusers' {@code UNet2DConditionModel}, for its releases from 0.18 on.
 */
final class DiffusersUNet {
  static final String CLASS = "UNet2DConditionModel";

  /** Width of the texts that a model without texts is given. */
  private static final int IDLE_CONTEXT = 1;

  private static final String BLOCK = "transformer_blocks.0.";
  private static final String FIRST_NORM = "norm1.weight";

  private DiffusersUNet() {}

  /**
   * Whether that class has the model's shapes: it divides a level's width among the heads, and asks
   * for no other size of a head.
   */
  static boolean loads(UNet2DCondition.Config model) {
    int levels = model.blockOutChannels().size();
    for (int level = 0; level < levels; level++) {
      int width = model.blockOutChannels().get(level);
      boolean heads = model.attention().get(level) || level == levels - 1;
      if (heads && model.numAttentionHeads() * model.headDimension(width) != width) {
        return false;
      }
    }
    return true;
  }

  /**
   * The keys.
   *
   * @param sampleSize S
   * @param pooled width of the vector that is added to the time, or 0 without one
   */
  static Map<String, Object> config(UNet2DCondition.Config model, int sampleSize, int pooled) {
    List<Boolean> down = model.attention();
    List<Boolean> up = new ArrayList<>(down);
    Collections.reverse(up);
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("sample_size", sampleSize);
    file.put("in_channels", model.channels());
    file.put("out_channels", model.channels());
    file.put("center_input_sample", false);
    file.put("flip_sin_to_cos", true);
    file.put("freq_shift", 0);
    file.put("down_block_types", types(down, "CrossAttnDownBlock2D", "DownBlock2D"));
    file.put("mid_block_type", "UNetMidBlock2DCrossAttn");
    file.put("up_block_types", types(up, "CrossAttnUpBlock2D", "UpBlock2D"));
    file.put("only_cross_attention", false);
    file.put("block_out_channels", model.blockOutChannels());
    file.put("layers_per_block", model.layersPerBlock());
    file.put("transformer_layers_per_block", 1);
    file.put("downsample_padding", 1);
    file.put("mid_block_scale_factor", 1);
    file.put("act_fn", "silu");
    file.put("norm_num_groups", model.normNumGroups());
    file.put("norm_eps", UNet2DCondition.RESIDUAL_EPSILON);
    file.put("cross_attention_dim", Math.max(IDLE_CONTEXT, model.contextDimension()));
    // the number of heads: the key was misnamed at first, and its own name is refused by the class
    file.put("attention_head_dim", model.numAttentionHeads());
    file.put("num_attention_heads", null);
    file.put("dual_cross_attention", false);
    file.put("use_linear_projection", false);
    file.put("upcast_attention", false);
    file.put("resnet_time_scale_shift", model.resnetTimeScaleShift().name().toLowerCase(ROOT));
    file.put("time_embedding_type", "positional");
    file.put("class_embed_type", pooled > 0 ? "projection" : null);
    file.put("projection_class_embeddings_input_dim", pooled > 0 ? pooled : null);
    return file;
  }

  private static List<String> types(List<Boolean> attention, String with, String without) {
    return attention.stream().map(attends -> attends ? with : without).toList();
  }

  /**
   * The tensors as the class wants them. It has no transformers without cross-attention, so a model
   * without text gets one of weights zero, which adds zero whatever its text is.
   */
  static Map<String, INDArray> tensors(
      UNet2DCondition.Config model, Map<String, INDArray> tensors) {
    if (model.contextDimension() > 0) {
      return tensors;
    }
    Map<String, INDArray> all = new LinkedHashMap<>(tensors);
    tensors.forEach(
        (name, norm) -> {
          if (name.endsWith(BLOCK + FIRST_NORM)) {
            String block = name.substring(0, name.length() - FIRST_NORM.length());
            long inner = norm.length();
            all.put(block + "norm2.weight", Nd4j.ones(norm.dataType(), inner));
            all.put(block + "norm2.bias", Nd4j.zeros(norm.dataType(), inner));
            String attention = block + "attn2.";
            all.put(attention + "to_q.weight", Nd4j.zeros(norm.dataType(), inner, inner));
            all.put(attention + "to_k.weight", Nd4j.zeros(norm.dataType(), inner, IDLE_CONTEXT));
            all.put(attention + "to_v.weight", Nd4j.zeros(norm.dataType(), inner, IDLE_CONTEXT));
            all.put(attention + "to_out.0.weight", Nd4j.zeros(norm.dataType(), inner, inner));
            all.put(attention + "to_out.0.bias", Nd4j.zeros(norm.dataType(), inner));
          }
        });
    return all;
  }
}
