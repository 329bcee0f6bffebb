package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.talespark.zoo.graph.Numbers.doubles;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Gradients as a plan writes and announces them. */
class GradientBucketsTest {

  @ParameterizedTest
  @EnumSource
  void bucketsCoverAllGradientsOnceAndAreFinalWhenAnnounced(StockGraphs model) {
    try (CompiledGraph plan = model.compile()) {
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
}
