package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.AllocationsTracker;
import org.nd4j.linalg.api.memory.enums.AllocationKind;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class CompiledGraphTest {

  private static CompiledGraph compile(StockGraphs model) {
    Map<String, long[]> inputs = new LinkedHashMap<>();
    SameDiff sd = model.build(inputs);
    CompiledGraph.Builder builder =
        CompiledGraph.of(sd).train(StockGraphs.parameters(sd)).losses("loss").bucketBytes(256);
    inputs.forEach(builder::input);
    return builder.build();
  }

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

  private static double largestDifference(INDArray a, INDArray b) {
    assertThat(a.shape()).isEqualTo(b.shape());
    return a.sub(b).amaxNumber().doubleValue();
  }

  private static INDArray doubles(double... values) {
    return Nd4j.createFromArray(values);
  }

  // --- equal to the interpreter

  @ParameterizedTest
  @EnumSource
  void gradientsEqualTheInterpretersToTheBitForChangingInputs(StockGraphs model) {
    try (CompiledGraph plan = compile(model)) {
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
    try (CompiledGraph plan = compile(model)) {
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

  // --- memory

  @ParameterizedTest
  @EnumSource
  void nothingIsAllocatedOffHeapWhileItRuns(StockGraphs model) throws InterruptedException {
    try (CompiledGraph plan = compile(model)) {
      plan.run();
      plan.run();
      long[] before = quiet();
      for (int i = 0; i < 5; i++) {
        plan.run();
      }
      assertThat(counters()).isEqualTo(before);
    }
  }

  private static long[] counters() {
    return new long[] {
      Pointer.totalCount(),
      Pointer.totalBytes(),
      AllocationsTracker.getInstance().bytesOnDevice(AllocationKind.GENERAL, 0),
      AllocationsTracker.getInstance().bytesOnDevice(AllocationKind.CONSTANT, 0)
    };
  }

  /** The counters when the collector has freed what earlier work left behind. */
  private static long[] quiet() throws InterruptedException {
    long[] last = counters();
    for (int i = 0; i < 50; i++) {
      System.gc();
      Thread.sleep(50);
      long[] now = counters();
      if (java.util.Arrays.equals(last, now)) {
        return now;
      }
      last = now;
    }
    return last;
  }

  @ParameterizedTest
  @EnumSource
  void theArenaIsAtMostTwoThirdsOfTheSumOfArrays(StockGraphs model) {
    try (CompiledGraph plan = compile(model)) {
      PlanReport report = plan.report();
      assertThat((double) report.arenaBytes() / report.sumOfArraysBytes())
          .as(report.toString())
          .isLessThanOrEqualTo(0.65);
      assertThat(report.views()).isPositive();
      assertThat(report.inPlace()).isPositive();
    }
  }

  @Test
  void aPlanOverItsBudgetIsRefusedBeforeItIsAllocated() throws InterruptedException {
    Ops ops = new Ops(DataType.FLOAT);
    SDVariable x = ops.input("x", 4096, 4096);
    ops.name("y", ops.tanh(x.add(x)));
    long before = quiet()[1];
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph())
            .bind("x", Nd4j.zeros(DataType.FLOAT, 16, 16))
            .outputs("y")
            .budgetBytes(500);
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Cannot plan graph: it needs")
        .hasMessageContaining("budget=500")
        .hasMessageContaining("raise the budget");
    assertThat(Pointer.totalBytes() - before).isLessThan(1 << 20);
    assertThat(CompiledGraph.of(ops.graph()).bind("x", Nd4j.zeros(16, 16)).outputs("y").plan())
        .satisfies(report -> assertThat(report.totalBytes()).isGreaterThan(500));
  }

  @Test
  void planningALargeGraphDoesNotAllocateItsArena() throws InterruptedException {
    Ops ops = new Ops(DataType.FLOAT);
    SDVariable x = ops.input("x", 1024, 1024);
    SDVariable y = x;
    for (int i = 0; i < 6; i++) {
      y = ops.matmul(y, x, false, true);
    }
    ops.name("y", y);
    long before = quiet()[1];
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph()).input("x", 1024, 1024).outputs("y").budgetBytes(1 << 20);
    assertThatThrownBy(builder::build).hasMessageContaining("budget=1048576");
    // the input and one stand-in for shape inference, not the products
    assertThat(Pointer.totalBytes() - before).isLessThan(3L * 4 * 1024 * 1024);
  }

  // --- clear errors

  @Test
  void anInputWithoutShapeIsNamed() {
    Ops ops = new Ops(DataType.DOUBLE);
    ops.name("y", ops.tanh(ops.input("pixels", 2, 3)));
    assertThatThrownBy(() -> CompiledGraph.of(ops.graph()).outputs("y").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no shape for placeholder pixels")
        .hasMessageContaining("input(name, shape)");
  }

  @Test
  void anUnknownOutputIsNamed() {
    Ops ops = new Ops(DataType.DOUBLE);
    ops.name("y", ops.tanh(ops.input("x", 2, 3)));
    assertThatThrownBy(
            () -> CompiledGraph.of(ops.graph()).input("x", 2, 3).outputs("nowhere").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("variable=nowhere does not exist");
    try (CompiledGraph plan = CompiledGraph.of(ops.graph()).input("x", 2, 3).outputs("y").build()) {
      assertThatThrownBy(() -> plan.output("x"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("name=x, expected one of [y]");
      assertThatThrownBy(() -> plan.input("y")).hasMessageContaining("name=y");
      assertThatThrownBy(() -> plan.fill("x", new float[5]))
          .hasMessageContaining("values=5, expected 6");
    }
  }

  @Test
  void anOperationThatDrawsRandomNumbersIsRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, 2, 3);
    x.add(sd.random().uniform(0, 1, DataType.FLOAT, 2, 3)).rename("y");
    assertThatThrownBy(() -> CompiledGraph.of(sd).input("x", 2, 3).outputs("y").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("draws random numbers; feed them as a placeholder");
  }

  @Test
  void aVariableThatDoesNotReachTheLossIsNamed() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable a = ops.parameter("a", doubles(1, 2));
    ops.parameter("lonely", doubles(3));
    ops.name("loss", a.mul(a).sum());
    assertThatThrownBy(
            () ->
                CompiledGraph.of(ops.graph()).train(List.of("a", "lonely")).losses("loss").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("variable=lonely has no path to the losses [loss]");
  }

  @Test
  void gradientsWithoutLossAreRefused() {
    Ops ops = new Ops(DataType.DOUBLE);
    ops.parameter("a", doubles(1, 2)).mul(2.0).rename("y");
    assertThatThrownBy(() -> CompiledGraph.of(ops.graph()).train(List.of("a")).outputs("y").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no loss is named; call losses(name)");
  }

  // --- gradients in buckets

  @ParameterizedTest
  @EnumSource
  void bucketsCoverAllGradientsOnceAndAreFinalWhenAnnounced(StockGraphs model) {
    try (CompiledGraph plan = compile(model)) {
      model
          .inputs()
          .forEach((name, shape) -> plan.input(name).assign(StockGraphs.random(3, shape)));
      INDArray flat = plan.gradients().flat();
      long length = plan.gradients().layout().length();
      flat.assign(Float.NaN);
      List<long[]> announced = new ArrayList<>();
      Map<Long, float[]> contents = new LinkedHashMap<>();
      plan.run(
          (offset, n) -> {
            announced.add(new long[] {offset, n});
            contents.put(offset, slice(flat, offset, n));
          });
      float[] end = slice(flat, 0, length);
      int[] covered = new int[(int) length];
      for (long[] bucket : announced) {
        for (long i = bucket[0]; i < bucket[0] + bucket[1]; i++) {
          covered[(int) i]++;
        }
        assertThat(contents.get(bucket[0]))
            .isEqualTo(
                java.util.Arrays.copyOfRange(end, (int) bucket[0], (int) (bucket[0] + bucket[1])));
      }
      assertThat(covered).containsOnly(1);
      assertThat(announced.size()).isGreaterThan(3);
      for (float value : end) {
        assertThat(value).isFinite();
      }
    }
  }

  private static float[] slice(INDArray flat, long offset, long length) {
    return Views.view(flat, offset, new long[] {length}).dup().toFloatVector();
  }

  @Test
  void oneBucketHoldsAllWhenBucketsAreLarge() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable a = ops.parameter("a", doubles(1, 2, 3));
    SDVariable b = ops.parameter("b", doubles(4, 5, 6));
    ops.name("loss", a.mul(b).sum());
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph()).train(List.of("a", "b")).losses("loss").build()) {
      List<long[]> announced = new ArrayList<>();
      plan.run((offset, n) -> announced.add(new long[] {offset, n}));
      assertThat(announced).hasSize(1);
      assertThat(announced.get(0)).containsExactly(0, 6);
    }
  }

  @Test
  void variablesThatShareOneGradientEachGetACopy() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable a = ops.parameter("a", doubles(1, 2, 3, 4));
    SDVariable b = ops.parameter("b", doubles(5, 6, 7, 8));
    SDVariable w = ops.input("w", 4);
    ops.name("loss", a.add(b).mul(w).mean());
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("w", 4)
            .train(List.of("a", "b"))
            .losses("loss")
            .bucketBytes(8)
            .build()) {
      List<long[]> announced = new ArrayList<>();
      for (double scale : new double[] {4, 8}) {
        announced.clear();
        plan.input("w").assign(doubles(scale, 2 * scale, 3 * scale, 4 * scale));
        plan.run((offset, n) -> announced.add(new long[] {offset, n}));
        double s = scale / 4;
        assertThat(plan.gradients().view("a").toDoubleVector())
            .containsExactly(s, 2 * s, 3 * s, 4 * s);
        assertThat(plan.gradients().view("b").toDoubleVector())
            .containsExactly(s, 2 * s, 3 * s, 4 * s);
        assertThat(announced.stream().mapToLong(b2 -> b2[1]).sum()).isEqualTo(8);
      }
    }
  }

  @Test
  void aConstantGradientIsWrittenInEveryStep() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable a = ops.parameter("a", doubles(1, 2, 3));
    ops.name("loss", a.sum());
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph()).train(List.of("a")).losses("loss").build()) {
      for (int i = 0; i < 2; i++) {
        plan.gradients().flat().assign(7);
        plan.run();
        assertThat(plan.gradients().flat().toDoubleVector()).containsExactly(1, 1, 1);
      }
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

  // --- parameters

  @Test
  void boundAndConstantArraysAreReadButNotChanged() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable frozen = ops.frozen("frozen", doubles(1, 2));
    SDVariable bound = ops.frozen("bound", doubles(0, 0));
    SDVariable a = ops.parameter("a", doubles(3, 4));
    ops.name("loss", a.mul(frozen).add(bound).mul(a).sum());
    INDArray outside = doubles(10, 20);
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .bind("bound", outside)
            .train(List.of("a"))
            .losses("loss")
            .build()) {
      plan.run();
      assertThat(plan.output("loss").getDouble(0)).isEqualTo(3 * (3 + 10) + 4 * (8 + 20));
      assertThat(plan.gradients().flat().toDoubleVector())
          .containsExactly(2 * 3 + 10, 2 * 2 * 4 + 20);
      assertThat(outside.toDoubleVector()).containsExactly(10, 20);
      assertThat(frozen.getArr().toDoubleVector()).containsExactly(1, 2);
      assertThat(plan.parameters().layout().slots()).hasSize(1);
      outside.assign(doubles(0, 0)); // bound, not copied
      plan.run();
      assertThat(plan.output("loss").getDouble(0)).isEqualTo(9 + 32);
    }
  }

  @Test
  void twoPlansOfOneParametersSeeTheSameValues() {
    try (CompiledGraph small = squares(2)) {
      Parameters shared = small.parameters();
      Ops ops = new Ops(DataType.DOUBLE);
      SDVariable a = ops.parameter("a", doubles(0, 0));
      SDVariable b = ops.parameter("b", doubles(0, 0));
      ops.name("loss", b.mul(3.0).add(a).sum());
      try (CompiledGraph other =
          CompiledGraph.of(ops.graph()).train(shared).losses("loss").build()) {
        assertThat(other.parameters()).isSameAs(shared);
        other.run();
        assertThat(other.output("loss").getDouble(0)).isEqualTo(3 * (3 + 4) + 1 + 2);
        shared.view("b").assign(doubles(10, 10));
        other.run();
        small.run();
        assertThat(other.output("loss").getDouble(0)).isEqualTo(60 + 3);
        assertThat(small.output("loss").getDouble(0)).isEqualTo(10 + 20);
        assertThat(other.gradients().view("a").toDoubleVector()).containsExactly(1, 1);
        assertThat(other.gradients().view("b").toDoubleVector()).containsExactly(3, 3);
        assertThat(small.gradients().view("b").toDoubleVector()).containsExactly(1, 2);
      }
      small.run(); // closing one leaves the shared parameters to the other
      assertThat(small.output("loss").getDouble(0)).isEqualTo(30);
    }
  }

  private static CompiledGraph squares(int n) {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable a = ops.parameter("a", doubles(1, 2));
    SDVariable b = ops.parameter("b", doubles(3, 4));
    assertThat(n).isEqualTo(2);
    ops.name("loss", a.mul(b).sum());
    return CompiledGraph.of(ops.graph()).train(List.of("a", "b")).losses("loss").build();
  }

  @Test
  void plansOfOneGraphForTwoBatchSizesDoNotDisturbEachOther() {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable x = ops.input("x", -1, 3);
    SDVariable w = ops.parameter("w", doubles(1, 2, 3));
    ops.name("loss", ops.graph().math().square(x.mul(w).sum(false, 1)).mean());
    try (CompiledGraph one =
            CompiledGraph.of(ops.graph())
                .input("x", 1, 3)
                .train(List.of("w"))
                .losses("loss")
                .build();
        CompiledGraph two =
            CompiledGraph.of(ops.graph())
                .input("x", 2, 3)
                .train(one.parameters())
                .losses("loss")
                .build()) {
      one.fill("x", new float[] {1, 1, 1});
      two.fill("x", new float[] {1, 1, 1, 2, 2, 2});
      for (int i = 0; i < 2; i++) {
        one.run();
        two.run();
        assertThat(one.output("loss").getDouble(0)).isEqualTo(36);
        assertThat(two.output("loss").getDouble(0)).isEqualTo((36 + 144) / 2.0);
        assertThat(one.gradients().flat().toDoubleVector()).containsExactly(12, 12, 12);
        assertThat(two.gradients().flat().toDoubleVector()).containsExactly(30, 30, 30);
      }
    }
  }

  @Test
  void trainableVariablesOfTwoTypesAreRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable a = sd.var("a", Nd4j.createFromArray(1f, 2f));
    SDVariable b = sd.var("b", doubles(1, 2));
    a.castTo(DataType.DOUBLE).mul(b).sum().rename("loss");
    assertThatThrownBy(() -> CompiledGraph.of(sd).train(List.of("a", "b")).losses("loss").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("trainable variables of types FLOAT and DOUBLE");
  }

  private static org.assertj.core.data.Offset<Double> within(double tolerance) {
    return org.assertj.core.data.Offset.offset(tolerance);
  }
}
