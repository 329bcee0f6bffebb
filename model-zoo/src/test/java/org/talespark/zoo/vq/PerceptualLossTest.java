package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Pretrained;

class PerceptualLossTest {

  private static CompiledGraph plan(PerceptualLoss distance) {
    Ops ops = new Ops(DataType.DOUBLE);
    Pretrained network = Fixtures.features();
    SDVariable a = ops.input("a", 2, 3, 16, 16);
    SDVariable b = ops.input("b", 2, 3, 16, 16);
    Layers frozen = Layers.bound(ops);
    List<SDVariable> mapsOfA = FeatureNetwork.maps(Fixtures.FEATURES, frozen, a);
    List<SDVariable> mapsOfB = FeatureNetwork.maps(Fixtures.FEATURES, frozen.again(), b);
    ops.name("loss", distance.between(Fixtures.FEATURES, frozen, mapsOfA, mapsOfB));
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph())
            .input("a", 2, 3, 16, 16)
            .input("b", 2, 3, 16, 16)
            .gradientOf("a")
            .losses("loss");
    for (String name : frozen.names()) {
      boolean head = name.startsWith("lin");
      builder.bind(
          name,
          head
              ? Nd4j.ones(DataType.DOUBLE, ops.graph().getVariable(name).getShape()).mul(0.3)
              : network.tensor(name));
    }
    return builder.build();
  }

  @ParameterizedTest
  @EnumSource
  void equalPicturesHaveNoDistanceAndOthersHave(PerceptualLoss distance) {
    float[] pictures = Fixtures.batch(1, 0, 2).pictures();
    float[] others = Fixtures.batch(2, 0, 2).pictures();
    try (CompiledGraph plan = plan(distance)) {
      plan.fill("a", pictures);
      plan.fill("b", pictures);
      plan.run();
      assertThat(plan.output("loss").getDouble(0)).isZero();
      assertThat(plan.gradientOf("a").amaxNumber().doubleValue()).isZero();
      plan.fill("b", others);
      plan.run();
      double forth = plan.output("loss").getDouble(0);
      assertThat(forth).isPositive();
      assertThat(plan.gradientOf("a").amaxNumber().doubleValue()).isPositive();
      plan.fill("a", others);
      plan.fill("b", pictures);
      plan.run();
      assertThat(plan.output("loss").getDouble(0))
          .isCloseTo(forth, org.assertj.core.data.Percentage.withPercentage(1e-9));
    }
  }

  @ParameterizedTest
  @EnumSource
  void theGradientOfThePictureIsTheTrueOne(PerceptualLoss distance) {
    try (CompiledGraph plan = plan(distance)) {
      plan.fill("a", Fixtures.batch(1, 0, 2).pictures());
      plan.fill("b", Fixtures.batch(2, 0, 2).pictures());
      GradientCheck.Result result = GradientCheck.check(plan, "loss", List.of("a"), 12);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-5);
    }
  }

  @Test
  void parameterNamesCountModulesAsTorchvisionDoes() {
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.bound(ops);
    List<SDVariable> maps =
        FeatureNetwork.maps(
            new FeatureNetwork.Config(
                List.of(2, 2, 3, 4, 4),
                List.of(2, 2, 3, 3, 3),
                List.of(0.5, 0.5, 0.5),
                List.of(1.0, 1.0, 1.0)),
            layers,
            ops.input("x", 1, 3, 32, 32));
    List<String> expected = new ArrayList<>();
    for (int module : new int[] {0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28}) { // VGG16
      expected.add("features.%d.weight".formatted(module));
      expected.add("features.%d.bias".formatted(module));
    }
    assertThat(layers.names()).containsExactlyElementsOf(expected);
    String[] names = maps.stream().map(SDVariable::name).toArray(String[]::new);
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph()).input("x", 1, 3, 32, 32).outputs(names).build()) {
      long side = 32;
      int[] widths = {2, 2, 3, 4, 4};
      for (int stage = 0; stage < 5; stage++) {
        assertThat(plan.output(names[stage]).shape()).containsExactly(1, widths[stage], side, side);
        side /= 2;
      }
    }
  }

  @Test
  void picturesAreNormalisedAsTheNetworkWasTrained() {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.bound(ops);
    FeatureNetwork.Config config =
        new FeatureNetwork.Config(
            List.of(1), List.of(1), List.of(0.2, 0.3, 0.4), List.of(0.1, 0.2, 0.5));
    ops.name("map", FeatureNetwork.maps(config, layers, ops.input("x", 1, 3, 1, 1)).get(0));
    double[] picture = {0.9, 0.8, 0.7}; // in [0, 1]
    double[] weights = {1, 10, 100};
    double expected = 0;
    float[] x = new float[3];
    double[][][][] kernel = new double[1][3][3][3];
    for (int c = 0; c < 3; c++) {
      x[c] = (float) (2 * picture[c] - 1);
      kernel[0][c][1][1] = weights[c];
      expected +=
          weights[c] * (((double) x[c] + 1) / 2 - config.mean().get(c)) / config.deviation().get(c);
    }
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("x", 1, 3, 1, 1)
            .bind("features.0.weight", Nd4j.createFromArray(kernel))
            .outputs("map")
            .build()) {
      plan.fill("x", x);
      plan.run();
      assertThat(plan.output("map").getDouble(0))
          .isCloseTo(expected, org.assertj.core.data.Offset.offset(1e-10));
    }
  }

  @Test
  void aMissingTensorAndAConfigurationWithoutNetworkAreNamed() {
    Pretrained network = Fixtures.features();
    assertThatThrownBy(() -> network.tensor("features.99.weight"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tensor features.99.weight is missing");
    assertThatThrownBy(
            () ->
                FeatureLearnerConfig.networkOf(
                    new com.fasterxml.jackson.databind.ObjectMapper().createObjectNode()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("config.json has no key network");
    assertThat(FeatureLearnerConfig.networkOf(network.config())).isEqualTo(Fixtures.FEATURES);
  }
}
