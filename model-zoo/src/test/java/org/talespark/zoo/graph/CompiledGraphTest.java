package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.talespark.zoo.graph.Numbers.doubles;
import static org.talespark.zoo.graph.Numbers.largestDifference;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a plan computes. */
class CompiledGraphTest {

  private static Map<String, INDArray> interpreted(StockGraphs model, Map<String, INDArray> in) {
    SameDiff sd = model.build(new LinkedHashMap<>());
    sd.setLossVariables("loss");
    PrintStream out = System.out;
    System.setOut(new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8));
    try {
      return sd.calculateGradients(in, StockGraphs.parameters(sd));
    } finally {
      System.setOut(out);
    }
  }

  // --- equal to the interpreter

  @ParameterizedTest
  @EnumSource
  void gradientsEqualTheInterpretersToTheBitForChangingInputs(StockGraphs model) {
    try (CompiledGraph plan = model.compile()) {
      for (int run = 0; run < 3; run++) {
        Map<String, INDArray> in = new LinkedHashMap<>();
        long seed = 10L + run;
        model.inputs().forEach((name, shape) -> in.put(name, StockGraphs.random(seed, shape)));
        in.forEach((name, array) -> plan.input(name).assign(array));
        plan.run();
        Map<String, INDArray> expected = interpreted(model, in);
        assertThat(plan.gradients().views().keySet()).isEqualTo(expected.keySet());
        expected.forEach(
            (name, gradient) -> {
              assertThat(gradient.norm2Number().doubleValue()).as(name).isPositive();
              assertThat(largestDifference(plan.gradients().view(name), gradient))
                  .as("%s, run %d", name, seed)
                  .isEqualTo(0.0);
            });
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theSameInputGivesTheSameBitsAgain(StockGraphs model) {
    try (CompiledGraph plan = model.compile()) {
      model
          .inputs()
          .forEach((name, shape) -> plan.input(name).assign(StockGraphs.random(1, shape)));
      plan.run();
      INDArray first = plan.gradients().flat().dup();
      model
          .inputs()
          .forEach((name, shape) -> plan.input(name).assign(StockGraphs.random(2, shape)));
      plan.run();
      assertThat(largestDifference(plan.gradients().flat(), first)).isPositive();
      model
          .inputs()
          .forEach((name, shape) -> plan.input(name).assign(StockGraphs.random(1, shape)));
      plan.run();
      assertThat(largestDifference(plan.gradients().flat(), first)).isEqualTo(0.0);
    }
  }

  // --- late inputs

  @Test
  void earlyAndLatePartsTogetherEqualAWholeRun() {
    try (CompiledGraph whole = withSeed(false);
        CompiledGraph parts = withSeed(true)) {
      for (int run = 0; run < 3; run++) {
        INDArray x = StockGraphs.random(run, 3, 4);
        INDArray seed = StockGraphs.random(100 + run, 3, 5);
        whole.input("x").assign(x);
        whole.input("seed").assign(seed);
        whole.run();
        parts.input("x").assign(x);
        parts.input("seed").assign(Float.NaN);
        parts.runEarly();
        assertThat(largestDifference(parts.output("y"), whole.output("y"))).isEqualTo(0.0);
        parts.input("seed").assign(seed);
        List<long[]> announced = new ArrayList<>();
        parts.runLate((offset, n) -> announced.add(new long[] {offset, n}));
        assertThat(announced).isNotEmpty();
        for (String name : whole.gradients().views().keySet()) {
          assertThat(largestDifference(parts.gradients().view(name), whole.gradients().view(name)))
              .as(name)
              .isEqualTo(0.0);
        }
        assertThat(parts.output("pull").getDouble(0)).isEqualTo(whole.output("pull").getDouble(0));
      }
    }
  }

  private static CompiledGraph withSeed(boolean late) {
    Ops ops = new Ops(DataType.FLOAT, false);
    SDVariable x = ops.input("x", 3, 4);
    SDVariable w = ops.parameter("w", StockGraphs.random(7, 6, 4));
    SDVariable v = ops.parameter("v", StockGraphs.random(8, 5, 6));
    SDVariable y = ops.name("y", ops.linear(ops.tanh(ops.linear(x, w, null)), v, null));
    SDVariable seed = ops.input("seed", 3, 5);
    ops.name("pull", y.mul(seed).sum());
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph())
            .input("x", 3, 4)
            .outputs("y")
            .train(List.of("w", "v"))
            .losses("pull");
    return (late ? builder.lateInput("seed", 3, 5) : builder.input("seed", 3, 5)).build();
  }

  // --- views and writing in place

  @Test
  void aValueReadAfterAnElementWiseOperationKeepsItsContents() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable x = ops.input("x", 4);
    SDVariable a = x.mul(3.0); // arena
    SDVariable b = ops.tanh(a); // must not overwrite a
    SDVariable c = b.add(1.0); // may overwrite b
    ops.name("y", c.mul(a).add(a));
    try (CompiledGraph plan = CompiledGraph.of(ops.graph()).input("x", 4).outputs("y").build()) {
      for (int run = 1; run <= 2; run++) {
        double[] values = {0.1 * run, -0.2, 0.3, -0.4 * run};
        plan.input("x").assign(doubles(values));
        plan.run();
        double[] y = plan.output("y").toDoubleVector();
        for (int i = 0; i < 4; i++) {
          double t = 3.0 * values[i];
          assertThat(y[i]).isCloseTo((Math.tanh(t) + 1) * t + t, within(1e-12));
        }
      }
      assertThat(plan.report().inPlace()).isPositive();
    }
  }

  @Test
  void anOutputIsNeverOverwrittenAndInputsStay() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable x = ops.input("x", 3);
    SDVariable a = ops.name("a", x.mul(2.0));
    SDVariable view = ops.name("view", ops.reshape(a, 3, 1));
    SDVariable b = ops.name("b", a.add(1.0));
    ops.name("c", b.mul(b).add(ops.reshape(view, 3)));
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph()).input("x", 3).outputs("a", "view", "b", "c").build()) {
      plan.input("x").assign(doubles(1, 2, 3));
      plan.run();
      assertThat(plan.input("x").toDoubleVector()).containsExactly(1, 2, 3);
      assertThat(plan.output("a").toDoubleVector()).containsExactly(2, 4, 6);
      assertThat(plan.output("view").shape()).containsExactly(3, 1);
      assertThat(plan.output("view").reshape(3).toDoubleVector()).containsExactly(2, 4, 6);
      assertThat(plan.output("b").toDoubleVector()).containsExactly(3, 5, 7);
      assertThat(plan.output("c").toDoubleVector()).containsExactly(11, 29, 55);
    }
  }

  @Test
  void aReshapedOutputIsAViewWithItsOwnShape() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable x = ops.input("x", 2, 3);
    ops.name("y", ops.reshape(x.add(1.0), 3, 2));
    try (CompiledGraph plan = CompiledGraph.of(ops.graph()).input("x", 2, 3).outputs("y").build()) {
      plan.fill("x", new float[] {0, 1, 2, 3, 4, 5});
      plan.run();
      assertThat(plan.output("y").toDoubleMatrix())
          .isDeepEqualTo(new double[][] {{1, 2}, {3, 4}, {5, 6}});
      assertThat(plan.report().views()).isEqualTo(1);
      assertThat(plan.report().steps()).isEqualTo(1);
    }
  }

  @Test
  void sumsOfAVectorAlongAnAxisOfLengthOneAreRight() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable x = ops.input("x", 4, 1);
    ops.name("kept", x.sum(true, 1));
    ops.name("dropped", x.mean(false, 1));
    ops.name("all", x.sum(true, 0, 1));
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph()).input("x", 4, 1).outputs("kept", "dropped", "all").build()) {
      plan.fill("x", new float[] {1, 2, 3, 4});
      plan.run();
      assertThat(plan.output("kept").reshape(4).toDoubleVector()).containsExactly(1, 2, 3, 4);
      assertThat(plan.output("dropped").toDoubleVector()).containsExactly(1, 2, 3, 4);
      assertThat(plan.output("all").getDouble(0)).isEqualTo(10);
    }
  }
}
