package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.graph.Numbers.doubles;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/** Graphs that cannot be planned. */
class PlanErrorsTest {

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
}
