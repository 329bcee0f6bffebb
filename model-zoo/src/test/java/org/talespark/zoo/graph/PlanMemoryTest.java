package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.AllocationsTracker;
import org.nd4j.linalg.api.memory.enums.AllocationKind;
import org.nd4j.linalg.factory.Nd4j;

/** What a plan takes of memory. */
class PlanMemoryTest {

  @ParameterizedTest
  @EnumSource
  void nothingIsAllocatedOffHeapWhileItRuns(StockGraphs model) throws InterruptedException {
    try (CompiledGraph plan = model.compile()) {
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
    try (CompiledGraph plan = model.compile()) {
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
}
