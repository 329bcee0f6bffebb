package org.talespark.zoo.contrastive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.Normal;

class JointEmbeddingTest {
  private static final int TEXTS = 4;
  private static final int PICTURES = 3;

  /** Features of 5 and 7 numbers in a space of 6. */
  private static CompiledGraph plan(DataType type) {
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, 3);
    JointEmbedding.Handles handles =
        JointEmbedding.build(
            new JointEmbedding.Config(5, 7, 6),
            layers,
            ops.input("texts", TEXTS, 5),
            ops.input("pictures", PICTURES, 7));
    ops.name("similarities", handles.similarities());
    INDArray factors = Normal.fill(4, "factors", 1, new long[] {TEXTS, PICTURES}, type);
    ops.name("loss", handles.similarities().mul(ops.frozen("factors", factors)).sum());
    CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("texts", TEXTS, 5)
            .input("pictures", PICTURES, 7)
            .outputs("similarities")
            .train(layers.names())
            .losses("loss")
            .gradientOf("texts")
            .gradientOf("pictures")
            .build();
    plan.input("texts").assign(Normal.fill(5, "texts", 1, new long[] {TEXTS, 5}, type));
    plan.input("pictures").assign(Normal.fill(5, "pictures", 1, new long[] {PICTURES, 7}, type));
    return plan;
  }

  private static double[] project(INDArray weight, double[] x) {
    double[][] rows = weight.toDoubleMatrix();
    double[] y = new double[rows.length];
    double squares = 0;
    for (int p = 0; p < y.length; p++) {
      for (int i = 0; i < x.length; i++) {
        y[p] += rows[p][i] * x[i];
      }
      squares += y[p] * y[p];
    }
    for (int p = 0; p < y.length; p++) {
      y[p] /= Math.sqrt(squares);
    }
    return y;
  }

  @ParameterizedTest
  @CsvSource({"DOUBLE, 1e-14", "FLOAT, 1e-6"})
  void similaritiesAreTheCosinesOfTheProjections(DataType type, double tolerance) {
    try (CompiledGraph plan = plan(type)) {
      plan.run();
      assertThat(plan.output("similarities").shape()).containsExactly(TEXTS, PICTURES);
      double[][] texts = plan.input("texts").toDoubleMatrix();
      double[][] pictures = plan.input("pictures").toDoubleMatrix();
      for (int i = 0; i < TEXTS; i++) {
        double[] t = project(plan.parameters().view("text_projection.weight"), texts[i]);
        for (int j = 0; j < PICTURES; j++) {
          double[] x = project(plan.parameters().view("visual_projection.weight"), pictures[j]);
          double cosine = 0;
          for (int p = 0; p < t.length; p++) {
            cosine += t[p] * x[p];
          }
          assertThat(plan.output("similarities").getDouble(i, j))
              .isCloseTo(cosine, Offset.offset(tolerance));
        }
      }
    }
  }

  @Test
  void gradientsEqualCentralDifferences() {
    try (CompiledGraph plan = plan(DataType.DOUBLE)) {
      GradientCheck.Result result =
          GradientCheck.check(plan, "loss", List.of("texts", "pictures"), 50);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @Test
  void aWidthBelowOneIsRefused() {
    assertThatThrownBy(() -> new JointEmbedding.Config(5, 7, 0))
        .hasMessageContaining("joint_dim=0, expected at least 1");
  }
}
