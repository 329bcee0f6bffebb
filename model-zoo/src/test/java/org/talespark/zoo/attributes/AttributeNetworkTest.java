package org.talespark.zoo.attributes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

class AttributeNetworkTest {

  @ParameterizedTest
  @CsvSource({"16, 4", "15, 4", "13, 3", "2, 1", "65, 16"})
  void picturesOfAnySideHaveFeaturesAndLogits(int side, int mapSide) {
    assertThat(Toys.MODEL.mapSide(side)).isEqualTo(mapSide);
    AttributeNetwork.Config model = Toys.MODEL;
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.trainable(ops, 1);
    AttributeNetwork.Handles network = AttributeNetwork.build(model, Toys.GRAMMAR, layers, 2, side);
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input(AttributeNetwork.PICTURES, 2, 3, side, side)
            .outputs(
                network.features().name(),
                network.setting().name(),
                network.presence().name(),
                network.colours().name())
            .build()) {
      plan.run();
      assertThat(plan.output(network.features().name()).shape()).containsExactly(2, 12);
      assertThat(plan.output(network.setting().name()).shape()).containsExactly(2, 2);
      assertThat(plan.output(network.presence().name()).shape()).containsExactly(2, 3);
      assertThat(plan.output(network.colours().name()).shape()).containsExactly(6, 2);
    }
  }

  @Test
  void gradientsEqualCentralDifferences() {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, 1);
    AttributeNetwork.Config model = new AttributeNetwork.Config(List.of(4, 6), List.of(1, 1), 5, 2);
    AttributeNetwork.Handles network = AttributeNetwork.build(model, Toys.GRAMMAR, layers, 2, 9);
    SDVariable loss = null;
    double weight = 0.3;
    for (SDVariable output :
        List.of(network.features(), network.setting(), network.presence(), network.colours())) {
      SDVariable part = ops.graph().math().square(output.add(weight)).sum();
      loss = loss == null ? part : loss.add(part.mul(weight));
      weight += 0.2;
    }
    ops.name("loss", loss);
    float[] pictures = Toys.batch(0, 0, 2).pictures();
    float[] cut = new float[2 * 3 * 9 * 9];
    System.arraycopy(pictures, 0, cut, 0, cut.length);
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input(AttributeNetwork.PICTURES, 2, 3, 9, 9)
            .losses("loss")
            .train(layers.names())
            .gradientOf(AttributeNetwork.PICTURES)
            .build()) {
      plan.fill(AttributeNetwork.PICTURES, cut);
      GradientCheck.Result result =
          GradientCheck.check(plan, "loss", List.of(AttributeNetwork.PICTURES), 5);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @Test
  void sizesThatCannotWorkAreRefusedByTheirKey() {
    assertThatThrownBy(() -> new AttributeNetwork.Config(List.of(8, 10), List.of(1, 1), 8, 4))
        .hasMessageContaining("widths=[8, 10], expected multiples of norm_num_groups=4");
    assertThatThrownBy(() -> new AttributeNetwork.Config(List.of(8), List.of(1, 1), 8, 4))
        .hasMessageContaining("depths=[1, 1]");
    assertThatThrownBy(() -> new AttributeNetwork.Config(List.of(8), List.of(0), 8, 4))
        .hasMessageContaining("depths=[0]");
    assertThatThrownBy(() -> new AttributeNetwork.Config(List.of(8), List.of(1), 1, 4))
        .hasMessageContaining("features=1");
    assertThatThrownBy(() -> Toys.MODEL.mapSide(1)).hasMessageContaining("size=1");
  }
}
