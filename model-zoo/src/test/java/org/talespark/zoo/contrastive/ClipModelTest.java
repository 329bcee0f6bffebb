package org.talespark.zoo.contrastive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.Parameters;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.TextEncoder;

class ClipModelTest {

  @ParameterizedTest
  @EnumSource(Activation.class)
  void gradientsOfBothTowersEqualCentralDifferences(Activation activation) {
    ClipModel.Config config = Clips.config(Clips.END, activation);
    try (CompiledGraph plan = Clips.plan(config, DataType.DOUBLE, 2)) {
      Clips.fill(plan, config, 1, 2);
      GradientCheck.Result result =
          GradientCheck.check(plan, "loss", List.of(ClipModel.PIXEL_VALUES), 2);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void fusedOperationsComputeWhatPlainOnesDo(Activation activation) {
    ClipModel.Config config = Clips.config(Clips.END, activation);
    try (CompiledGraph doubles = Clips.plan(config, DataType.DOUBLE, 3);
        CompiledGraph floats = Clips.plan(config, DataType.FLOAT, 3)) {
      for (CompiledGraph plan : List.of(doubles, floats)) {
        Clips.fill(plan, config, 2, 3);
        plan.run();
      }
      for (String embeds : List.of(ClipModel.IMAGE_EMBEDS, ClipModel.TEXT_EMBEDS)) {
        assertThat(error(floats.output(embeds), doubles.output(embeds))).isLessThan(1e-5);
        double length = doubles.output(embeds).getRow(1).norm2Number().doubleValue();
        assertThat(Math.abs(length - 1)).isLessThan(1e-14);
      }
      doubles
          .gradients()
          .views()
          .forEach(
              (name, gradient) -> {
                if (!name.endsWith("k_proj.bias")) { // softmax forgets it: its gradient is zero
                  assertThat(error(floats.gradients().view(name), gradient))
                      .as(name)
                      .isLessThan(1e-4);
                }
              });
    }
  }

  private static double error(INDArray value, INDArray expected) {
    return value.castTo(DataType.DOUBLE).distance2(expected) / expected.norm2Number().doubleValue();
  }

  @Test
  void aTowerAloneEmbedsAsTheWholeModelDoes() {
    try (CompiledGraph whole = Clips.plan(Clips.CONFIG, DataType.FLOAT, 2)) {
      Clips.fill(whole, Clips.CONFIG, 3, 2);
      whole.run();
      Ops ops = new Ops(DataType.FLOAT);
      ClipModel.Pictures pictures = ClipModel.pictures(Clips.CONFIG, Layers.bound(ops), 2);
      Ops textOps = new Ops(DataType.FLOAT);
      ClipModel.Texts texts = ClipModel.texts(Clips.CONFIG, Layers.bound(textOps), 2, Clips.LENGTH);
      Parameters weights = whole.parameters();
      try (CompiledGraph ofPictures =
              CompiledGraph.of(ops.graph())
                  .input(pictures.pixels().name(), ClipModel.pixelShape(Clips.CONFIG, 2))
                  .bind(weights)
                  .outputs(pictures.embeds().name())
                  .build();
          CompiledGraph ofTexts =
              CompiledGraph.of(textOps.graph())
                  .input(texts.ids().name(), 2L * Clips.LENGTH)
                  .input(texts.ends().name(), 2)
                  .bind(weights)
                  .outputs(texts.embeds().name())
                  .build()) {
        int[] ids = Clips.ids(Clips.CONFIG, 3, 2);
        ofPictures.fill(ClipModel.PIXEL_VALUES, Clips.pixels(Clips.CONFIG, 3, 2));
        ofTexts.fill(ClipModel.INPUT_IDS, ids);
        ofTexts.fill(ClipModel.ENDS, ClipModel.ends(Clips.CONFIG, ids, Clips.LENGTH));
        ofPictures.run();
        ofTexts.run();
        assertThat(ofPictures.output(ClipModel.IMAGE_EMBEDS).toFloatMatrix())
            .isDeepEqualTo(whole.output(ClipModel.IMAGE_EMBEDS).toFloatMatrix());
        assertThat(ofTexts.output(ClipModel.TEXT_EMBEDS).toFloatMatrix())
            .isDeepEqualTo(whole.output(ClipModel.TEXT_EMBEDS).toFloatMatrix());
      }
    }
  }

  @Test
  void tensorsAreThoseThatAFileMustHold() {
    Map<String, List<Long>> expected = ClipShapes.of(Clips.CONFIG);
    try (CompiledGraph plan = Clips.plan(Clips.CONFIG, DataType.FLOAT, 1)) {
      Map<String, List<Long>> shapes = new LinkedHashMap<>();
      shapes.put(ClipModel.LOGIT_SCALE, List.of()); // belongs to the loss
      plan.parameters().layout().slots().forEach(slot -> shapes.put(slot.name(), slot.shape()));
      assertThat(shapes).containsExactlyInAnyOrderEntriesOf(expected);
      long elements =
          expected.values().stream()
              .mapToLong(shape -> shape.stream().reduce(1L, Math::multiplyExact))
              .sum();
      assertThat(Clips.CONFIG.parameters()).isEqualTo(elements);
    }
  }

  @Test
  void aTextIsPooledAtItsFirstEnd() {
    int[] ids = {1, 5, 7, 3, 7, 0, 1, 9, 9, 9, 9, 9, 7, 1, 2, 3, 4, 5, 6, 0};
    ClipModel.Config config = Clips.config(7, Activation.GELU);
    assertThat(ClipModel.ends(config, ids, 5)).containsExactly(2, 5, 12, 15); // no end: the first
  }

  @Test
  void withTheHistoricalEndATextIsPooledAtItsLargestToken() {
    int[] ids = {1, 2, 10, 10, 0, 1, 2, 4, 3, 2};
    ClipModel.Config config = Clips.config(2, Activation.GELU);
    assertThat(ClipModel.ends(config, ids, 5)).containsExactly(2, 7);
    assertThat(ClipModel.endsAt(config, 10, 11)).isTrue();
    assertThat(ClipModel.endsAt(config, 2, 11)).isFalse(); // it would be pooled elsewhere
    assertThat(ClipModel.endsAt(Clips.config(3, Activation.GELU), 3, 11)).isTrue();
  }

  @Test
  void theSameSeedGivesTheSameBits() {
    try (CompiledGraph one = Clips.plan(Clips.CONFIG, DataType.FLOAT, 2);
        CompiledGraph other = Clips.plan(Clips.CONFIG, DataType.FLOAT, 2)) {
      assertThat(one.parameters().flat().toFloatVector())
          .isEqualTo(other.parameters().flat().toFloatVector());
      for (CompiledGraph plan : List.of(one, other)) {
        Clips.fill(plan, Clips.CONFIG, 5, 2);
        plan.run();
      }
      assertThat(one.output("loss").getFloat(0)).isEqualTo(other.output("loss").getFloat(0));
    }
  }

  @Test
  void aConfigurationThatCannotWorkIsRefusedByItsKey() {
    TextEncoder.Config text = Clips.CONFIG.textConfig();
    VisionEncoder.Config vision = Clips.CONFIG.visionConfig();
    assertThatThrownBy(() -> new ClipModel.Config(text, vision, 0, 1))
        .hasMessageContaining("projection_dim=0");
    assertThatThrownBy(
            () ->
                new ClipModel.Config(
                    new TextEncoder.Config(11, 8, 12, 2, 2, 7, 1e-5), vision, 6, 1))
        .hasMessageContaining("text_config.eos_token_id=null");
    assertThatThrownBy(() -> Clips.config(11, Activation.GELU))
        .hasMessageContaining("eos_token_id=11, expected 0 to vocab_size - 1 = 10");
    assertThatThrownBy(() -> new VisionEncoder.Config(12, 16, 2, 3, 3, 11, 12, 1e-5, null))
        .hasMessageContaining("patch_size=12, expected 1 to image_size=11");
    assertThatThrownBy(() -> new VisionEncoder.Config(12, 16, 2, 5, 3, 11, 4, 1e-5, null))
        .hasMessageContaining("hidden_size=12, expected a multiple of num_attention_heads=5");
  }
}
