package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class BatchRunsTest {
  private static final int TOKENS = 40;

  /** A matrix of scores is then as large as the operations of one part may have it. */
  private static final int MANY_TOKENS = 256;

  private static final int WIDTH = 24;

  /** Attention with a mask: q, k, v [batch, heads, T, d], mask [1, 1, T, T]. */
  private static SameDiff attention(DataType type, int batch, int heads, int tokens) {
    SameDiff sd = SameDiff.create();
    long[] shape = {batch, heads, tokens, WIDTH};
    SDVariable x = sd.placeHolder("x", type, shape);
    SDVariable q = sd.var("q", array(type, 1, shape)).add(x);
    SDVariable k = sd.var("k", array(type, 2, shape));
    SDVariable v = sd.var("v", array(type, 3, shape));
    INDArray mask = array(type, 4, 1, 1, tokens, tokens);
    SDVariable scores =
        sd.linalg.mmul(q, k, false, true, false).mul(0.2).add(sd.constant("mask", mask));
    SDVariable mixed = sd.linalg.mmul(sd.nn.softmax(scores, 3), v);
    sd.math.square(mixed).mean().rename("loss");
    return sd;
  }

  private static INDArray array(DataType type, long seed, long... shape) {
    return StockGraphs.random(seed, shape).castTo(type);
  }

  private static CompiledGraph.Builder builder(SameDiff sd) {
    return CompiledGraph.of(sd)
        .input("x", sd.getVariable("x").placeholderShape())
        .train(List.of("q", "k", "v"))
        .losses("loss");
  }

  @ParameterizedTest
  @CsvSource({"FLOAT, 2, 3", "FLOAT, 1, 8", "FLOAT, 5, 1", "DOUBLE, 3, 2"})
  void gradientsAreBitEqualToTheInterpreters(DataType type, int batch, int heads) {
    SameDiff stock = attention(type, batch, heads, TOKENS);
    INDArray x = array(type, 9, batch, heads, TOKENS, WIDTH);
    Map<String, INDArray> expected =
        stock.calculateGradients(Map.of("x", x), List.of("q", "k", "v"));
    try (CompiledGraph plan = builder(attention(type, batch, heads, TOKENS)).build()) {
      for (int run = 0; run < 2; run++) {
        plan.input("x").assign(x);
        plan.run();
        expected.forEach(
            (name, gradient) ->
                assertThat(plan.gradients().view(name).dup().data().asDouble())
                    .as(name)
                    .isEqualTo(gradient.dup('c').data().asDouble()));
      }
    }
  }

  @Test
  void eachMatrixGoesThroughAllOperationsBeforeTheNext() {
    List<String> bound = new ArrayList<>();
    KernelProvider noting =
        call -> {
          if (call.outputs().get(0).rank() == 4) {
            bound.add(call.opName());
          }
          return Optional.empty();
        };
    try (CompiledGraph plan =
        builder(attention(DataType.FLOAT, 1, 2, MANY_TOKENS)).kernels(noting).build()) {
      assertThat(plan.report().steps()).isPositive();
      List<String> forward = // and the derivative of the loss' square, which fits too
          List.of("add", "matmul", "mul_scalar", "add", "softmax", "matmul", "_powderivative");
      assertThat(bound.subList(0, 14)).isEqualTo(twice(forward));
    }
  }

  private static List<String> twice(List<String> names) {
    List<String> all = new ArrayList<>(names);
    all.addAll(names);
    return all;
  }

  @Test
  void anOperationNeverMovesBeforeOneWhoseResultItNeeds() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, 2, 4, 4);
    SDVariable a = sd.linalg.mmul(x, x);
    SDVariable turned = sd.permute(a, 0, 2, 1); // not carried out matrix by matrix
    SDVariable b = sd.linalg.mmul(turned, x);
    SDVariable c = sd.linalg.mmul(a, x);
    b.add(c).rename("y");
    Lowering lowering = new Lowering(sd, Map.of("x", new long[] {2, 4, 4}), Map.of());
    lowering.lower(Set.of("y"));
    List<Node> ordered = BatchRuns.gather(lowering.nodes());
    assertThat(ordered).hasSameElementsAs(lowering.nodes());
    List<Value> known = new ArrayList<>();
    for (Node node : ordered) {
      for (Value input : node.inputs) {
        assertThat(input.root().kind == Value.Kind.INPUT || known.contains(input.root())).isTrue();
      }
      known.addAll(node.outputs);
    }
    assertThat(ordered.get(0).run.nodes())
        .extracting(n -> n.outputs.get(0).name)
        .containsExactly(a.name(), c.name());
  }

  @Test
  void aFailureInAnyPartIsThePlansOnceAllPartsHaveEnded() {
    AtomicInteger ended = new AtomicInteger();
    int heads = 3;
    AtomicInteger made = new AtomicInteger();
    KernelProvider failing =
        call -> {
          if (!call.opName().equals("softmax")) {
            return Optional.empty();
          }
          boolean last = made.incrementAndGet() == heads;
          return Optional.of(
              () -> {
                ended.incrementAndGet();
                if (last) {
                  throw new IllegalStateException("last part");
                }
              });
        };
    try (CompiledGraph plan =
        builder(attention(DataType.FLOAT, 1, heads, MANY_TOKENS)).kernels(failing).build()) {
      assertThatThrownBy(plan::run).hasStackTraceContaining("last part");
      assertThat(ended).hasValue(heads);
    }
  }
}
