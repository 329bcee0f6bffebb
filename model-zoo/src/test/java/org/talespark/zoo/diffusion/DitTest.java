package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.Normal;

class DitTest {

  private static Denoisers model(int contextDimension) {
    return new Denoisers(Denoisers.dit(contextDimension), new Ops(DataType.FLOAT), 2, 6, 3);
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 0})
  void tensorsHaveTheNamesOfDiffusersParts(int contextDimension) {
    List<String> names = new ArrayList<>();
    List<String> layers =
        new ArrayList<>(
            List.of(
                "pos_embed.proj",
                "time_embedding.linear_1",
                "time_embedding.linear_2",
                "norm_out.linear",
                "proj_out"));
    for (int i = 0; i < 2; i++) {
      String block = "transformer_blocks.%d.".formatted(i);
      for (String part :
          List.of("norm1.linear", "attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0")) {
        layers.add(block + part);
      }
      layers.add(block + "ff.net.0.proj");
      layers.add(block + "ff.net.2");
      if (contextDimension > 0) {
        layers.add(block + "norm2");
        layers.add(block + "attn2.to_out.0");
        for (String part : List.of("to_q", "to_k", "to_v")) {
          names.add(block + "attn2." + part + ".weight");
        }
      }
    }
    for (String layer : layers) {
      names.add(layer + ".weight");
      names.add(layer + ".bias");
    }
    try (Denoisers model = model(contextDimension)) {
      assertThat(model.layers.names())
          .doesNotHaveDuplicates()
          .containsExactlyInAnyOrderElementsOf(names);
      assertThat(model.plan.parameters().view("pos_embed.proj.weight").shape())
          .containsExactly(8, 3, 2, 2);
      assertThat(model.plan.parameters().view("transformer_blocks.1.norm1.linear.weight").shape())
          .containsExactly(48, 8);
      assertThat(model.plan.parameters().view("proj_out.weight").shape()).containsExactly(12, 8);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 0})
  void theNumberOfParametersFollowsFromTheSizes(int text) {
    long d = 8;
    long self = 4 * (d * d + d);
    long cross = text == 0 ? 0 : 2 * d * d + 2L * text * d + d + 2 * d;
    long feedForward = 8 * d * d + 5 * d;
    long block = 6 * (d * d + d) + self + cross + feedForward;
    long time = 256L * d + d + d * d + d;
    long patches = 3 * 4 * d + d;
    long last = 2 * (d * d + d) + 12 * d + 12;
    try (Denoisers model = model(text)) {
      assertThat(model.plan.parameters().layout().length())
          .isEqualTo(patches + time + 2 * block + last);
    }
  }

  @Test
  void everyBlockBeginsAsTheIdentity() {
    // with all blocks the last layer reads what it reads without any: the embedded patches
    INDArray[] predictions = new INDArray[2];
    for (int i = 0; i < 2; i++) {
      Dit.Config config = new Dit.Config(3, 2, 8, i == 0 ? 1 : 4, 2, 5);
      try (Denoisers model = new Denoisers(config, new Ops(DataType.FLOAT), 2, 6, 3)) {
        for (String name : List.of("norm_out.linear.weight", "proj_out.weight")) {
          INDArray weight = model.plan.parameters().view(name);
          weight.assign(Normal.fill(1, name, 1, weight.shape(), DataType.FLOAT));
        }
        model.run(model.inputs(1));
        predictions[i] = model.prediction();
      }
    }
    assertThat(predictions[0].norm2Number().doubleValue()).isPositive();
    assertThat(Denoisers.difference(predictions[0], predictions[1])).isZero();
  }

  @Test
  void aTokensElementsAreThePixelsOfItsPatch() {
    try (Denoisers model = model(0)) {
      INDArray bias = model.plan.parameters().view("proj_out.bias");
      for (int i = 0; i < bias.length(); i++) {
        bias.putScalar(i, i); // (row of the patch * 2 + column) * 3 + channel
      }
      model.run(model.inputs(1));
      INDArray y = model.prediction();
      for (int channel = 0; channel < 3; channel++) {
        for (int row = 0; row < 6; row++) {
          for (int column = 0; column < 6; column++) {
            assertThat(y.getDouble(1, channel, row, column))
                .isEqualTo((row % 2 * 2 + column % 2) * 3 + channel);
          }
        }
      }
    }
  }

  @Test
  void whatIsCutIntoPatchesIsPutTogetherInPlace() {
    // patches of one pixel through layers that pass a single changed pixel on
    Dit.Config config = new Dit.Config(1, 1, 4, 1, 1, 0);
    try (Denoisers model = new Denoisers(config, new Ops(DataType.DOUBLE), 1, 3, 1)) {
      INDArray last = model.plan.parameters().view("proj_out.weight");
      last.assign(Normal.fill(1, "w", 1, last.shape(), DataType.DOUBLE));
      Map<String, INDArray> inputs = model.inputs(1);
      model.run(inputs);
      INDArray before = model.prediction();
      inputs.get(Denoisers.SAMPLE).putScalar(new int[] {0, 0, 2, 1}, 9);
      model.run(inputs);
      INDArray change = model.prediction().sub(before);
      for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 3; column++) {
          if (row == 2 && column == 1) {
            assertThat(Math.abs(change.getDouble(0, 0, row, column))).isGreaterThan(1e-3);
          } else {
            assertThat(change.getDouble(0, 0, row, column)).isZero();
          }
        }
      }
    }
  }

  @Test
  void positionsAreSinesAndCosinesOfColumnAndRow() {
    INDArray positions = Dit.positions(5, 12);
    assertThat(positions.shape()).containsExactly(25, 12);
    int row = 3;
    int column = 2;
    for (int i = 0; i < 3; i++) {
      double frequency = Math.pow(10000, -i / 3.0);
      double[] expected = {
        Math.sin(column * frequency),
        Math.cos(column * frequency),
        Math.sin(row * frequency),
        Math.cos(row * frequency)
      };
      for (int part = 0; part < 4; part++) {
        assertThat(positions.getDouble(row * 5 + column, part * 3 + i))
            .isCloseTo(expected[part], Offset.offset(1e-12));
      }
    }
  }

  @Test
  void thePlaceOfAPatchMatters() {
    try (Denoisers model = new Denoisers(Denoisers.dit(0), new Ops(DataType.DOUBLE), 1, 4, 1)) {
      model.moved();
      Map<String, INDArray> inputs = model.inputs(1);
      inputs.get(Denoisers.SAMPLE).assign(0.3);
      model.run(inputs);
      INDArray y = model.prediction();
      assertThat(Math.abs(y.getDouble(0, 0, 0, 0) - y.getDouble(0, 0, 2, 2))).isGreaterThan(1e-4);
    }
  }

  @Test
  void aConfigurationThatCannotWorkIsRefusedByItsKey() {
    assertThatThrownBy(() -> new Dit.Config(0, 2, 8, 1, 2, 0)).hasMessageContaining("channels=0");
    assertThatThrownBy(() -> new Dit.Config(3, 0, 8, 1, 2, 0)).hasMessageContaining("patch_size=0");
    assertThatThrownBy(() -> new Dit.Config(3, 2, 10, 1, 2, 0))
        .hasMessageContaining("hidden_size=10");
    assertThatThrownBy(() -> new Dit.Config(3, 2, 8, 1, 3, 0))
        .hasMessageContaining("hidden_size=8");
    assertThatThrownBy(() -> new Dit.Config(3, 2, 8, 0, 2, 0)).hasMessageContaining("depth=0");
    Ops ops = new Ops(DataType.FLOAT);
    SDVariable sample = ops.input("x", 1, 3, 5, 5);
    SDVariable time = ops.input("t", 1, 256);
    assertThatThrownBy(
            () -> Denoisers.dit(0).build(Layers.trainable(ops, 1), sample, time, null, 1, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("patch_size=2, expected a divisor of the sample's side=5");
  }

  @Test
  void aConfigurationIsReadAsItWasWritten() throws Exception {
    ObjectMapper json =
        JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();
    for (DenoiserConfig config : List.of(Denoisers.uNet(5), Denoisers.dit(0))) {
      String written = json.writeValueAsString(config);
      assertThat(json.readValue(written, DenoiserConfig.class)).isEqualTo(config);
    }
    JsonNode tree = json.valueToTree(Denoisers.dit(7));
    assertThat(tree.fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder(
            "type",
            "channels",
            "patch_size",
            "hidden_size",
            "depth",
            "num_heads",
            "context_dimension");
  }

  @Test
  void boundLayersMakeTheSameNetworkWithoutTraining() {
    try (Denoisers trained = model(5).moved()) {
      Ops ops = new Ops(DataType.FLOAT);
      SDVariable y =
          Denoisers.dit(5)
              .build(
                  Layers.bound(ops),
                  ops.input(Denoisers.SAMPLE, 2, 3, 6, 6),
                  ops.input(Denoisers.TIME, 2, 256),
                  new DenoiserConfig.Context(
                      ops.input(Denoisers.TEXT, 6, 5), ops.input(Denoisers.MASK, 2, 3), null, 3),
                  2,
                  6);
      ops.name("y", y);
      Map<String, INDArray> inputs = trained.inputs(1);
      CompiledGraph.Builder builder =
          CompiledGraph.of(ops.graph()).bind(trained.plan.parameters()).outputs("y");
      inputs.forEach(
          (name, array) -> {
            if (!name.equals(Denoisers.TARGET)) {
              builder.input(name, array.shape());
            }
          });
      try (CompiledGraph alone = builder.build()) {
        trained.run(inputs);
        inputs.remove(Denoisers.TARGET);
        inputs.forEach((name, array) -> alone.input(name).assign(array));
        alone.run();
        assertThat(
                Denoisers.difference(
                    alone.output("y").castTo(DataType.DOUBLE), trained.prediction()))
            .isZero();
        assertThat(alone.parameters().layout().slots()).isEmpty();
      }
    }
  }
}
