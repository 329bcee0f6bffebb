package org.talespark.zoo.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;

class LayersTest {

  private static double[] weights(Layers layers, String name) {
    INDArray array = layers.ops().graph().getVariable(name).getArr();
    return array.reshape(array.length()).toDoubleVector();
  }

  private static Layers linears(DataType type, long seed, String... names) {
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, seed);
    SDVariable x = ops.input("x", 2, 16);
    for (String name : names) {
      layers.linear(name, x, 16, 8);
    }
    return layers;
  }

  @Test
  void initialValuesDependOnlyOnSeedAndName() {
    Layers two = linears(DataType.DOUBLE, 3, "a", "b");
    Layers reversed = linears(DataType.DOUBLE, 3, "b", "other", "a");
    assertThat(weights(two, "a.weight")).isEqualTo(weights(reversed, "a.weight"));
    assertThat(weights(two, "b.bias")).isEqualTo(weights(reversed, "b.bias"));
    assertThat(weights(two, "a.weight")).isNotEqualTo(weights(two, "b.weight"));
    Layers other = linears(DataType.DOUBLE, 4, "a");
    assertThat(weights(two, "a.weight")).isNotEqualTo(weights(other, "a.weight"));
  }

  @Test
  void singlePrecisionHasTheRoundedValuesOfDouble() {
    double[] wide = weights(linears(DataType.DOUBLE, 3, "a"), "a.weight");
    double[] narrow = weights(linears(DataType.FLOAT, 3, "a"), "a.weight");
    for (int i = 0; i < wide.length; i++) {
      assertThat((float) narrow[i]).isEqualTo((float) wide[i]);
    }
  }

  @Test
  void weightsLieWithinTheReciprocalRootOfTheFanInAndFillIt() {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, 1);
    layers.conv("conv", ops.input("x", 1, 4, 8, 8), 4, 32, 3, 1, 1);
    layers.convTranspose("up", ops.input("y", 1, 32, 8, 8), 32, 4, 4, 2, 1);
    layers.linear("linear", ops.input("z", 1, 25), 25, 40);
    within(weights(layers, "conv.weight"), 1 / Math.sqrt(4 * 9));
    within(weights(layers, "conv.bias"), 1 / Math.sqrt(4 * 9));
    within(weights(layers, "up.weight"), 1 / Math.sqrt(4 * 16)); // PyTorch counts the outputs here
    within(weights(layers, "linear.weight"), 1.0 / 5);
  }

  private static void within(double[] values, double bound) {
    double largest = 0;
    double mean = 0;
    for (double value : values) {
      largest = Math.max(largest, Math.abs(value));
      mean += value / values.length;
    }
    assertThat(largest).isBetween(0.8 * bound, bound);
    assertThat(Math.abs(mean)).isLessThan(0.3 * bound);
  }

  @Test
  void normalWeightsHaveTheirDeviationAndDependOnSeedAndNameAlone() {
    double[][] drawn = new double[3][];
    for (int i = 0; i < 3; i++) {
      Layers layers = Layers.trainable(new Ops(DataType.DOUBLE), 4);
      if (i == 1) {
        layers.normal("other", 1, 3);
      }
      layers.normal("w", 0.05, 101, i == 2 ? 100 : 99);
      drawn[i] = weights(layers, "w");
    }
    assertThat(drawn[0]).isEqualTo(drawn[1]).hasSize(9999);
    double sum = 0;
    double squares = 0;
    double beyondTwo = 0;
    for (double value : drawn[0]) {
      sum += value / 9999;
      squares += value * value / 9999;
      beyondTwo += Math.abs(value) > 0.1 ? 1.0 / 9999 : 0;
    }
    assertThat(Math.abs(sum)).isLessThan(0.002);
    assertThat(Math.sqrt(squares)).isBetween(0.049, 0.051);
    assertThat(beyondTwo).isBetween(0.04, 0.051); // 4.55 % of a normal distribution
    Layers bound = Layers.bound(new Ops(DataType.FLOAT));
    bound.normal("w", 0.05, 2, 3);
    assertThat(weights(bound, "w")).containsOnly(0.0);
  }

  @Test
  void normalisationsBeginWithScaleOneAndShiftZero() {
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.trainable(ops, 1);
    SDVariable x = ops.input("x", 2, 4, 3, 3);
    layers.groupNorm("g", x, 4, 2);
    layers.groupNormSilu("s", x, 4, 2);
    layers.batchNorm("b", x, 4);
    layers.rmsNorm("r", ops.input("rows", 5, 4), 4, 1e-6);
    assertThat(weights(layers, "r.weight")).containsOnly(1.0).hasSize(4);
    for (String name : List.of("g", "s", "b")) {
      assertThat(weights(layers, name + ".weight")).containsOnly(1.0).hasSize(4);
      assertThat(weights(layers, name + ".bias")).containsOnly(0.0).hasSize(4);
    }
    assertThat(layers.names())
        .containsExactly(
            "g.weight", "g.bias", "s.weight", "s.bias", "b.weight", "b.bias", "r.weight");
  }

  @Test
  void shapesFollowPyTorch() {
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.trainable(ops, 1);
    SDVariable down = layers.conv("down", ops.input("x", 3, 2, 9, 7), 2, 5, 4, 2, 1);
    SDVariable up = layers.convTranspose("up", down, 5, 2, 4, 2, 1);
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("x", 3, 2, 9, 7)
            .outputs(down.name(), up.name())
            .build()) {
      assertThat(plan.output(down.name()).shape()).containsExactly(3, 5, 4, 3);
      assertThat(plan.output(up.name()).shape()).containsExactly(3, 2, 8, 6);
    }
    assertThat(ops.graph().getVariable("down.weight").getShape()).containsExactly(5, 2, 4, 4);
    assertThat(ops.graph().getVariable("up.weight").getShape()).containsExactly(5, 2, 4, 4);
  }

  @Test
  void boundLayersAreZeroUntilTheyAreBoundAndNeverTrained() {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.bound(ops);
    SDVariable y = layers.linear("l", ops.input("x", 1, 2), 2, 1);
    ops.name("y", y);
    assertThat(layers.names()).containsExactly("l.weight", "l.bias");
    try (CompiledGraph unbound =
        CompiledGraph.of(ops.graph()).input("x", 1, 2).outputs("y").build()) {
      unbound.fill("x", new float[] {3, 4});
      unbound.run();
      assertThat(unbound.output("y").getDouble(0)).isZero();
      assertThat(unbound.parameters().layout().slots()).isEmpty();
    }
    INDArray weight = Nd4j.createFromArray(new double[][] {{10, 100}});
    try (CompiledGraph bound =
        CompiledGraph.of(ops.graph())
            .input("x", 1, 2)
            .bind("l.weight", weight)
            .bind("l.bias", Nd4j.createFromArray(7.0))
            .outputs("y")
            .build()) {
      bound.fill("x", new float[] {3, 4});
      bound.run();
      assertThat(bound.output("y").getDouble(0)).isEqualTo(437);
    }
  }

  @Test
  void aSecondPassUsesTheSameVariables() {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, 1);
    SDVariable first = layers.linear("l", ops.input("x", 1, 2), 2, 1);
    SDVariable second = layers.again().linear("l", ops.input("y", 1, 2), 2, 1);
    ops.name("loss", first.add(second).sum());
    assertThat(layers.names()).containsExactly("l.weight", "l.bias");
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("x", 1, 2)
            .input("y", 1, 2)
            .train(layers.names())
            .losses("loss")
            .build()) {
      plan.fill("x", new float[] {1, 2});
      plan.fill("y", new float[] {10, 20});
      plan.run();
      assertThat(plan.gradients().view("l.weight").reshape(2).toDoubleVector())
          .containsExactly(11, 22);
      assertThat(plan.gradients().view("l.bias").toDoubleVector()).containsExactly(2);
    }
    assertThatThrownBy(() -> Layers.trainable(ops, 1).again().linear("none", first, 1, 1))
        .hasMessageContaining("none.weight");
  }
}
