package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.Uniform;
import org.talespark.zoo.vq.VectorQuantizer.Learning;

class VqModelTest {

  static Stream<VqModelConfig> models() {
    return Stream.of(Fixtures.vqVae(Learning.GRADIENT), Fixtures.vqGan(Learning.GRADIENT));
  }

  static Stream<VqModelConfig> averagedModels() {
    return Stream.of(Fixtures.vqVae(Learning.EMA), Fixtures.vqGan(Learning.EMA));
  }

  @ParameterizedTest
  @MethodSource("models")
  void shapesFitAnOddBatchAndSeveralSizes(VqModelConfig config) {
    for (int size : new int[] {16, 24, 32}) {
      Ops ops = new Ops(DataType.FLOAT);
      Layers layers = Layers.trainable(ops, 1);
      VqModel model = config.build(layers, 3, size);
      ops.name("picture", model.reconstruction());
      String vectors = model.quantizer().vectors().name();
      String indices = model.quantizer().indices().name();
      String before = model.beforeLast().name();
      int side = size / config.downsampling();
      try (CompiledGraph plan =
          CompiledGraph.of(ops.graph())
              .input(VqModel.PICTURES, 3, 3, size, size)
              .outputs("picture", vectors, indices, before)
              .build()) {
        plan.run();
        assertThat(plan.output("picture").shape()).containsExactly(3, 3, size, size);
        assertThat(plan.output(vectors).shape()).containsExactly(3L * side * side, 4);
        assertThat(plan.output(indices).shape()).containsExactly(3L * side * side);
        assertThat(plan.output(indices).dataType()).isEqualTo(DataType.INT32);
        boolean gan = config instanceof VqGan.Config;
        assertThat(plan.output(before).shape())
            .containsExactly(3, gan ? 4 : 8, gan ? size : size / 2, gan ? size : size / 2);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void theDecoderAloneGivesTheWholeModelsPicture(VqModelConfig config) {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, 1);
    VqModel model = config.build(layers, 2, 16);
    ops.name("picture", model.reconstruction());
    String indices = model.quantizer().indices().name();
    ops.name("loss", model.quantizer().loss().add(model.reconstruction().sum()));
    Ops decoderOps = new Ops(DataType.DOUBLE);
    int side = 16 / config.downsampling();
    VqModel.Decoder decoder = config.buildDecoder(Layers.bound(decoderOps), 2, side);
    decoderOps.name("picture", decoder.picture());
    try (CompiledGraph whole =
            CompiledGraph.of(ops.graph())
                .input(VqModel.PICTURES, 2, 3, 16, 16)
                .outputs("picture", indices)
                .train(layers.names())
                .losses("loss")
                .build();
        CompiledGraph alone =
            CompiledGraph.of(decoderOps.graph())
                .input(VqModel.CODES, 2L * side * side)
                .bind(whole.parameters())
                .outputs("picture")
                .build()) {
      whole.fill(VqModel.PICTURES, Fixtures.batch(1, 0, 2).pictures());
      whole.run();
      alone.input(VqModel.CODES).assign(whole.output(indices));
      alone.run();
      assertThat(alone.output("picture").sub(whole.output("picture")).amaxNumber().doubleValue())
          .isLessThan(1e-12);
    }
  }

  /** Behind the quantizer everything is smooth, so plain central differences hold. */
  @ParameterizedTest
  @MethodSource("averagedModels")
  void gradientsOfTheDecoderEqualCentralDifferences(VqModelConfig config) {
    check(config, false, name -> name.startsWith("decoder") || name.startsWith("post_quant"));
  }

  /**
   * The chosen codes do not move with the encoder, so the commitment's gradient is the true one.
   */
  @ParameterizedTest
  @MethodSource("averagedModels")
  void gradientsOfTheCommitmentInTheEncoderEqualCentralDifferences(VqModelConfig config) {
    check(config, true, name -> name.startsWith("encoder") || name.startsWith("quant_conv"));
  }

  private static void check(
      VqModelConfig config, boolean commitment, java.util.function.Predicate<String> which) {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, 3);
    VqModel model = config.build(layers, 1, 8);
    ops.name(
        "loss",
        commitment
            ? model.quantizer().loss()
            : ops.meanSquare(model.reconstruction(), model.pictures()));
    List<String> names = layers.names().stream().filter(which).toList();
    assertThat(names).isNotEmpty();
    INDArray codes = Uniform.fill(4, "codes", 0.5, new long[] {16, 4}, DataType.DOUBLE);
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input(VqModel.PICTURES, 1, 3, 8, 8)
            .bind(config.codebook(), codes)
            .train(names)
            .losses("loss")
            .build()) {
      plan.input(VqModel.PICTURES)
          .assign(Uniform.fill(5, "x", 1, new long[] {1, 3, 8, 8}, DataType.DOUBLE));
      GradientCheck.Result result = GradientCheck.check(plan, "loss", List.of(), 3);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-5);
    }
  }

  @Test
  void parameterNamesOfVqGanAreThoseOfDiffusersVqModel() {
    List<String> modules =
        new ArrayList<>(
            List.of(
                "encoder.conv_in",
                "encoder.down_blocks.0.resnets.0.norm1",
                "encoder.down_blocks.0.resnets.0.conv1",
                "encoder.down_blocks.0.resnets.0.norm2",
                "encoder.down_blocks.0.resnets.0.conv2",
                "encoder.down_blocks.0.downsamplers.0.conv",
                "encoder.down_blocks.1.resnets.0.norm1",
                "encoder.down_blocks.1.resnets.0.conv1",
                "encoder.down_blocks.1.resnets.0.norm2",
                "encoder.down_blocks.1.resnets.0.conv2",
                "encoder.down_blocks.1.resnets.0.conv_shortcut",
                "encoder.conv_norm_out",
                "encoder.conv_out",
                "quant_conv",
                "post_quant_conv",
                "decoder.conv_in",
                "decoder.up_blocks.0.resnets.0.norm1",
                "decoder.up_blocks.0.resnets.0.conv1",
                "decoder.up_blocks.0.resnets.0.norm2",
                "decoder.up_blocks.0.resnets.0.conv2",
                "decoder.up_blocks.0.resnets.1.norm1",
                "decoder.up_blocks.0.resnets.1.conv1",
                "decoder.up_blocks.0.resnets.1.norm2",
                "decoder.up_blocks.0.resnets.1.conv2",
                "decoder.up_blocks.0.upsamplers.0.conv",
                "decoder.up_blocks.1.resnets.0.norm1",
                "decoder.up_blocks.1.resnets.0.conv1",
                "decoder.up_blocks.1.resnets.0.norm2",
                "decoder.up_blocks.1.resnets.0.conv2",
                "decoder.up_blocks.1.resnets.0.conv_shortcut",
                "decoder.up_blocks.1.resnets.1.norm1",
                "decoder.up_blocks.1.resnets.1.conv1",
                "decoder.up_blocks.1.resnets.1.norm2",
                "decoder.up_blocks.1.resnets.1.conv2",
                "decoder.conv_norm_out",
                "decoder.conv_out"));
    for (String half : List.of("encoder", "decoder")) {
      modules.addAll(
          List.of(
              half + ".mid_block.resnets.0.norm1",
              half + ".mid_block.resnets.0.conv1",
              half + ".mid_block.resnets.0.norm2",
              half + ".mid_block.resnets.0.conv2",
              half + ".mid_block.attentions.0.group_norm",
              half + ".mid_block.attentions.0.to_q",
              half + ".mid_block.attentions.0.to_k",
              half + ".mid_block.attentions.0.to_v",
              half + ".mid_block.attentions.0.to_out.0",
              half + ".mid_block.resnets.1.norm1",
              half + ".mid_block.resnets.1.conv1",
              half + ".mid_block.resnets.1.norm2",
              half + ".mid_block.resnets.1.conv2"));
    }
    List<String> expected = new ArrayList<>(List.of("quantize.embedding.weight"));
    for (String module : modules) {
      expected.add(module + ".weight");
      expected.add(module + ".bias");
    }
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.trainable(ops, 1);
    Fixtures.vqGan(Learning.GRADIENT).build(layers, 1, 16);
    assertThat(layers.names())
        .doesNotHaveDuplicates()
        .containsExactlyInAnyOrderElementsOf(expected);
    assertThat(ops.graph().getVariable("quantize.embedding.weight").getShape())
        .containsExactly(16, 4);
    assertThat(ops.graph().getVariable("decoder.mid_block.attentions.0.to_q.weight").getShape())
        .containsExactly(8, 8);
    assertThat(ops.graph().getVariable("quant_conv.weight").getShape()).containsExactly(4, 4, 1, 1);
  }

  @ParameterizedTest
  @MethodSource("models")
  void theLastLayerAndTheCodebookAreParameters(VqModelConfig config) {
    Layers layers = Layers.trainable(new Ops(DataType.FLOAT), 1);
    config.build(layers, 1, 16);
    assertThat(layers.names()).contains(config.lastLayer(), config.codebook());
  }

  @ParameterizedTest
  @MethodSource("models")
  void aSizeThatDoesNotDivideIsRefused(VqModelConfig config) {
    int size = 4 * config.downsampling() + 1;
    assertThatThrownBy(() -> config.build(Layers.trainable(new Ops(DataType.FLOAT), 1), 1, size))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot build model: data.size=%d, expected a multiple of %d"
                .formatted(size, config.downsampling()));
  }
}
