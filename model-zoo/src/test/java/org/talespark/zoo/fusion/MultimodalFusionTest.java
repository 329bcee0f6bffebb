package org.talespark.zoo.fusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.Normal;

class MultimodalFusionTest {
  private static final int BATCH = 4;

  private static CompiledGraph plan(DataType type) {
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, 3);
    SDVariable text = ops.input("text", BATCH, 5);
    SDVariable picture = ops.input("picture", BATCH, 3);
    SDVariable output =
        MultimodalFusion.build(
            new MultimodalFusion.Config(5, 3, 6, 2), layers, "head.", text, picture);
    ops.name("output", output);
    INDArray factors = Normal.fill(4, "factors", 1, new long[] {BATCH, 2}, type);
    ops.name("loss", output.mul(ops.frozen("factors", factors)).sum());
    CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("text", BATCH, 5)
            .input("picture", BATCH, 3)
            .outputs("output")
            .train(layers.names())
            .losses("loss")
            .gradientOf("text")
            .gradientOf("picture")
            .build();
    plan.input("text").assign(Normal.fill(5, "text", 1, new long[] {BATCH, 5}, type));
    plan.input("picture").assign(Normal.fill(5, "picture", 1, new long[] {BATCH, 3}, type));
    return plan;
  }

  @ParameterizedTest
  @CsvSource({"DOUBLE, 1e-13", "FLOAT, 1e-6"})
  void bothFeaturesAreJoinedAndJudgedAsInPlainLoops(DataType type, double tolerance) {
    try (CompiledGraph plan = plan(type)) {
      plan.run();
      PlainLoops loops = new PlainLoops(plan.parameters().views());
      double[][] t = loops.linear("head.text_projection", plan.input("text").toDoubleMatrix());
      double[][] x = loops.linear("head.visual_projection", plan.input("picture").toDoubleMatrix());
      double[][] both = new double[BATCH][12];
      for (int b = 0; b < BATCH; b++) {
        System.arraycopy(t[b], 0, both[b], 0, 6);
        System.arraycopy(x[b], 0, both[b], 6, 6);
      }
      double[][] hidden = loops.linear("head.fc1", both);
      int positive = 0;
      for (double[] row : hidden) {
        for (int i = 0; i < row.length; i++) {
          positive += row[i] > 0 ? 1 : 0;
          row[i] = Math.max(0, row[i]);
        }
      }
      assertThat(positive).isBetween(1, BATCH * 6 - 1); // the ReLU does something
      double[][] expected = loops.linear("head.fc2", hidden);
      double[][] output = plan.output("output").toDoubleMatrix();
      for (int b = 0; b < BATCH; b++) {
        assertThat(output[b]).containsExactly(expected[b], Offset.offset(tolerance));
      }
    }
  }

  @Test
  void gradientsEqualCentralDifferences() {
    try (CompiledGraph plan = plan(DataType.DOUBLE)) {
      GradientCheck.Result result =
          GradientCheck.check(plan, "loss", List.of("text", "picture"), 50);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @Test
  void aWidthBelowOneIsRefused() {
    assertThatThrownBy(() -> new MultimodalFusion.Config(5, 3, 0, 2))
        .hasMessageContaining("fusion_dim=0");
    assertThatThrownBy(() -> new MultimodalFusion.Config(5, 3, 6, 0))
        .hasMessageContaining("outputs=0");
  }
}
