package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class DiffusersUNetTest {
  private static final List<Boolean> ATTENTION = List.of(false, true, true);

  private static UNet2DCondition.Config model(int headDimension, int context) {
    return new UNet2DCondition.Config(
        4, List.of(32, 64, 128), 1, ATTENTION, 4, headDimension, 8, context);
  }

  @Test
  void theKeysAreThoseOfTheClass() {
    Map<String, Object> config = DiffusersUNet.config(model(0, 96), 16, 96);
    assertThat(config)
        .containsEntry("sample_size", 16)
        .containsEntry("in_channels", 4)
        .containsEntry("out_channels", 4)
        .containsEntry("flip_sin_to_cos", true)
        .containsEntry("freq_shift", 0)
        .containsEntry(
            "down_block_types",
            List.of("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"))
        .containsEntry("mid_block_type", "UNetMidBlock2DCrossAttn")
        .containsEntry(
            "up_block_types", List.of("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"))
        .containsEntry("block_out_channels", List.of(32, 64, 128))
        .containsEntry("layers_per_block", 1)
        .containsEntry("act_fn", "silu")
        .containsEntry("norm_num_groups", 8)
        .containsEntry("norm_eps", 1e-5)
        .containsEntry("cross_attention_dim", 96)
        .containsEntry("use_linear_projection", false)
        .containsEntry("class_embed_type", "projection")
        .containsEntry("projection_class_embeddings_input_dim", 96);
  }

  @Test
  void theNumberOfHeadsStandsUnderTheOtherName() {
    assertThat(DiffusersUNet.config(model(0, 96), 16, 0))
        .containsEntry("attention_head_dim", 4)
        .containsEntry("num_attention_heads", null)
        .containsEntry("class_embed_type", null)
        .containsEntry("projection_class_embeddings_input_dim", null);
  }

  @Test
  void withoutTextTheCrossAttentionThatTheClassWantsAddsNothing() {
    assertThat(DiffusersUNet.config(model(0, 0), 16, 0)).containsEntry("cross_attention_dim", 1);
    String block = "mid_block.attentions.0.transformer_blocks.0.";
    Map<String, INDArray> tensors = Map.of(block + "norm1.weight", Nd4j.ones(128));
    assertThat(DiffusersUNet.tensors(model(0, 96), tensors)).isSameAs(tensors);
    Map<String, INDArray> all = DiffusersUNet.tensors(model(0, 0), tensors);
    assertThat(all)
        .containsOnlyKeys(
            block + "norm1.weight",
            block + "norm2.weight",
            block + "norm2.bias",
            block + "attn2.to_q.weight",
            block + "attn2.to_k.weight",
            block + "attn2.to_v.weight",
            block + "attn2.to_out.0.weight",
            block + "attn2.to_out.0.bias");
    assertThat(all.get(block + "attn2.to_k.weight").shape()).containsExactly(128, 1);
    assertThat(all.get(block + "attn2.to_out.0.weight").norm1Number().doubleValue()).isZero();
    assertThat(all.get(block + "attn2.to_out.0.bias").norm1Number().doubleValue()).isZero();
  }

  @Test
  void headsOfAnotherWidthHaveNoClassThere() {
    assertThat(DiffusersUNet.loads(model(0, 96))).isTrue();
    assertThat(DiffusersUNet.loads(model(16, 96))).as("4 * 16 in 128").isFalse();
    UNet2DCondition.Config even =
        new UNet2DCondition.Config(4, List.of(8, 16), 1, List.of(false, true), 4, 4, 8, 0);
    assertThat(DiffusersUNet.loads(even)).as("4 * 4 in 16").isTrue();
  }
}
