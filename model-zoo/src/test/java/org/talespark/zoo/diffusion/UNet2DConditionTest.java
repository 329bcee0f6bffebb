package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.diffusion.UNet2DCondition.TimeScaleShift;
import org.talespark.zoo.graph.Ops;

class UNet2DConditionTest {

  private static Denoisers model(UNet2DCondition.Config config, int side) {
    return new Denoisers(config, new Ops(DataType.FLOAT), 1, side, 2);
  }

  private static long[] shape(Denoisers model, String name) {
    return model.plan.parameters().view(name).shape();
  }

  private static long count(Denoisers model) {
    return model.plan.parameters().layout().length();
  }

  // --- names

  private static void norm(List<String> names, String name) {
    names.add(name + ".weight");
    names.add(name + ".bias");
  }

  private static void residual(List<String> names, String name, boolean shortcut) {
    for (String part : List.of("norm1", "conv1", "time_emb_proj", "norm2", "conv2")) {
      norm(names, name + "." + part);
    }
    if (shortcut) {
      norm(names, name + ".conv_shortcut");
    }
  }

  private static void attention(List<String> names, String name) {
    for (String part : List.of("to_q", "to_k", "to_v")) {
      names.add(name + "." + part + ".weight");
    }
    norm(names, name + ".to_out.0");
  }

  private static void transformer(List<String> names, String name, boolean text) {
    norm(names, name + ".norm");
    norm(names, name + ".proj_in");
    String block = name + ".transformer_blocks.0.";
    norm(names, block + "norm1");
    attention(names, block + "attn1");
    if (text) {
      norm(names, block + "norm2");
      attention(names, block + "attn2");
    }
    norm(names, block + "norm3");
    norm(names, block + "ff.net.0.proj");
    norm(names, block + "ff.net.2");
    norm(names, name + ".proj_out");
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 0})
  void tensorsHaveTheNamesOfDiffusers(int contextDimension) {
    boolean text = contextDimension > 0;
    List<String> names = new ArrayList<>();
    for (String name : List.of("conv_in", "time_embedding.linear_1", "time_embedding.linear_2")) {
      norm(names, name);
    }
    residual(names, "down_blocks.0.resnets.0", false);
    residual(names, "down_blocks.0.resnets.1", false);
    norm(names, "down_blocks.0.downsamplers.0.conv");
    for (int i = 0; i < 2; i++) {
      residual(names, "down_blocks.1.resnets." + i, i == 0);
      transformer(names, "down_blocks.1.attentions." + i, text);
    }
    norm(names, "down_blocks.1.downsamplers.0.conv");
    residual(names, "down_blocks.2.resnets.0", false);
    residual(names, "down_blocks.2.resnets.1", false);
    residual(names, "mid_block.resnets.0", false);
    transformer(names, "mid_block.attentions.0", text);
    residual(names, "mid_block.resnets.1", false);
    for (int i = 0; i < 3; i++) {
      residual(names, "up_blocks.0.resnets." + i, true);
      residual(names, "up_blocks.1.resnets." + i, true);
      transformer(names, "up_blocks.1.attentions." + i, text);
      residual(names, "up_blocks.2.resnets." + i, true);
    }
    norm(names, "up_blocks.0.upsamplers.0.conv");
    norm(names, "up_blocks.1.upsamplers.0.conv");
    norm(names, "conv_norm_out");
    norm(names, "conv_out");
    UNet2DCondition.Config config =
        new UNet2DCondition.Config(
            4, List.of(4, 8, 8), 2, List.of(false, true, false), 2, 0, 2, contextDimension);
    try (Denoisers model = model(config, 4)) {
      assertThat(model.layers.names())
          .doesNotHaveDuplicates()
          .containsExactlyInAnyOrderElementsOf(names);
    }
  }

  @Test
  void tensorsHaveTheShapesOfDiffusers() {
    UNet2DCondition.Config config =
        new UNet2DCondition.Config(4, List.of(4, 8), 1, List.of(false, true), 2, 0, 2, 5);
    try (Denoisers model = model(config, 4)) {
      assertThat(shape(model, "conv_in.weight")).containsExactly(4, 4, 3, 3);
      assertThat(shape(model, "time_embedding.linear_1.weight")).containsExactly(16, 4);
      assertThat(shape(model, "time_embedding.linear_2.weight")).containsExactly(16, 16);
      assertThat(shape(model, "down_blocks.1.resnets.0.time_emb_proj.weight"))
          .containsExactly(8, 16);
      assertThat(shape(model, "down_blocks.1.resnets.0.conv_shortcut.weight"))
          .containsExactly(8, 4, 1, 1);
      String transformer = "down_blocks.1.attentions.0.";
      assertThat(shape(model, transformer + "proj_in.weight")).containsExactly(8, 8, 1, 1);
      String block = transformer + "transformer_blocks.0.";
      assertThat(shape(model, block + "attn1.to_k.weight")).containsExactly(8, 8);
      assertThat(shape(model, block + "attn2.to_q.weight")).containsExactly(8, 8);
      assertThat(shape(model, block + "attn2.to_k.weight")).containsExactly(8, 5);
      assertThat(shape(model, block + "attn2.to_v.weight")).containsExactly(8, 5);
      assertThat(shape(model, block + "ff.net.0.proj.weight")).containsExactly(64, 8);
      assertThat(shape(model, block + "ff.net.2.weight")).containsExactly(8, 32);
      // what comes from below and what was kept: 8 + 8, 8 + 4, 8 + 4, 4 + 4
      assertThat(shape(model, "up_blocks.0.resnets.0.conv1.weight")).containsExactly(8, 16, 3, 3);
      assertThat(shape(model, "up_blocks.0.resnets.1.conv1.weight")).containsExactly(8, 12, 3, 3);
      assertThat(shape(model, "up_blocks.1.resnets.0.conv1.weight")).containsExactly(4, 12, 3, 3);
      assertThat(shape(model, "up_blocks.1.resnets.1.conv1.weight")).containsExactly(4, 8, 3, 3);
      assertThat(shape(model, "conv_out.weight")).containsExactly(4, 4, 3, 3);
    }
    UNet2DCondition.Config scaled =
        new UNet2DCondition.Config(
            4, List.of(4, 8), 1, List.of(false, true), 2, 0, 2, 5, TimeScaleShift.SCALE_SHIFT);
    try (Denoisers model = model(scaled, 4)) {
      assertThat(shape(model, "down_blocks.1.resnets.0.time_emb_proj.weight"))
          .containsExactly(16, 16);
    }
    UNet2DCondition.Config wide =
        new UNet2DCondition.Config(4, List.of(4, 8), 1, List.of(false, true), 3, 5, 2, 5);
    try (Denoisers model = model(wide, 4)) {
      String transformer = "mid_block.attentions.0.";
      assertThat(shape(model, transformer + "proj_in.weight")).containsExactly(15, 8, 1, 1);
      assertThat(shape(model, transformer + "proj_out.weight")).containsExactly(8, 15, 1, 1);
    }
  }

  // --- sizes

  /** Weights and biases of a residual block. */
  private static long residual(long in, long out, long time) {
    long shortcut = in == out ? 0 : in * out + out;
    return 2 * in
        + 9 * in * out
        + out
        + time * out
        + out
        + 2 * out
        + 9 * out * out
        + out
        + shortcut;
  }

  private static long transformer(long width, long inner, long text) {
    long self = 4 * inner * inner + inner;
    long cross = text == 0 ? 0 : 2 * inner * inner + 2 * text * inner + inner + 2 * inner;
    long feedForward = inner * 8 * inner + 8 * inner + 4 * inner * inner + inner;
    return 2 * width + 2 * inner * width + inner + width + 4 * inner + self + cross + feedForward;
  }

  @ParameterizedTest
  @CsvSource({"5, 3, 6", "0, 3, 6", "7, 0, 8"})
  void theNumberOfParametersFollowsFromTheSizes(int text, int headDimension, int inner) {
    UNet2DCondition.Config config =
        new UNet2DCondition.Config(
            3, List.of(4, 8), 1, List.of(false, true), 2, headDimension, 2, text);
    long time = 16;
    long expected =
        (9 * 3 * 4 + 4) // conv_in
            + (4 * time + time + time * time + time)
            + residual(4, 4, time) // down
            + (9 * 4 * 4 + 4)
            + residual(4, 8, time)
            + transformer(8, inner, text)
            + 2 * residual(8, 8, time) // middle
            + transformer(8, inner, text)
            + residual(16, 8, time) // up
            + residual(12, 8, time)
            + 2 * transformer(8, inner, text)
            + (9 * 8 * 8 + 8)
            + residual(12, 4, time)
            + residual(8, 4, time)
            + 2 * 4 // out
            + (9 * 4 * 3 + 3);
    try (Denoisers model = model(config, 4)) {
      assertThat(count(model)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 7, 9})
  void anOddSideIsCutOnTheWayUp(int side) {
    UNet2DCondition.Config config =
        new UNet2DCondition.Config(3, List.of(4, 4, 6), 1, List.of(true, false, true), 1, 4, 2, 5);
    try (Denoisers model = new Denoisers(config, new Ops(DataType.FLOAT), 2, side, 3).moved()) {
      model.run(model.inputs(1));
      assertThat(model.prediction().shape()).containsExactly(2, 3, side, side);
      assertThat(model.prediction().norm2Number().doubleValue()).isPositive();
    }
  }

  @Test
  void oneLevelAloneWorks() {
    UNet2DCondition.Config config =
        new UNet2DCondition.Config(2, List.of(6), 3, List.of(false), 2, 0, 3, 0);
    try (Denoisers model = new Denoisers(config, new Ops(DataType.FLOAT), 1, 3, 1).moved()) {
      model.run(model.inputs(1));
      assertThat(model.prediction().shape()).containsExactly(1, 2, 3, 3);
    }
  }

  // --- configuration

  @Test
  void theStandardSizesAreThoseOfThePaper() {
    assertThat(UNet2DCondition.Config.standard(4, List.of(32, 64, 64), 128))
        .isEqualTo(
            new UNet2DCondition.Config(
                4, List.of(32, 64, 64), 2, List.of(false, true, true), 8, 64, 32, 128));
  }

  @Test
  void aConfigurationThatCannotWorkIsRefusedByItsKey() {
    List<Integer> widths = List.of(4, 8);
    List<Boolean> attention = List.of(false, true);
    assertThatThrownBy(() -> new UNet2DCondition.Config(0, widths, 1, attention, 2, 0, 2, 0))
        .hasMessageContaining("channels=0");
    assertThatThrownBy(() -> new UNet2DCondition.Config(3, List.of(), 1, List.of(), 2, 0, 2, 0))
        .hasMessageContaining("block_out_channels=[]");
    assertThatThrownBy(() -> new UNet2DCondition.Config(3, widths, 1, List.of(true), 2, 0, 2, 0))
        .hasMessageContaining("attention=[true]");
    assertThatThrownBy(() -> new UNet2DCondition.Config(3, widths, 1, attention, 3, 0, 2, 0))
        .hasMessageContaining("num_attention_heads=3");
    assertThatThrownBy(() -> new UNet2DCondition.Config(3, widths, 1, attention, 2, -1, 2, 0))
        .hasMessageContaining("attention_head_dim=-1");
    assertThatThrownBy(() -> new UNet2DCondition.Config(3, widths, 1, attention, 2, 0, 3, 0))
        .hasMessageContaining("norm_num_groups=3");
    assertThatThrownBy(
            () -> new UNet2DCondition.Config(3, List.of(5, 10), 1, attention, 2, 0, 5, 0))
        .hasMessageContaining("block_out_channels=[5, 10]");
    assertThatThrownBy(() -> new UNet2DCondition.Config(3, widths, 1, attention, 2, 0, 2, -1))
        .hasMessageContaining("context_dimension=-1");
  }
}
