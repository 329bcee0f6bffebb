package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.graph.Numbers.doubles;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Parameters and bound arrays of plans. */
class PlanParametersTest {

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
}
