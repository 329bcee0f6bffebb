package org.talespark.zoo.fusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
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
import org.talespark.zoo.graph.TransformerOps;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.Normal;

class CrossModalAttentionTest {
  private static final int BATCH = 3;
  private static final int QUERIES = 4;
  private static final int KEYS = 5;
  private static final int HEADS = 2;

  /** All widths differ. */
  private static final CrossModalAttention.Config CONFIG =
      new CrossModalAttention.Config(5, 7, 3, 8, HEADS);

  /** How many keys of each sample count. */
  private static final int[] SEEN = {5, 2, 1};

  private static CompiledGraph plan(DataType type) {
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, 3);
    SDVariable query = ops.input("query", BATCH * QUERIES, 5);
    SDVariable key = ops.input("key", BATCH * KEYS, 7);
    SDVariable value = ops.input("value", BATCH * KEYS, 3);
    SDVariable mask =
        new TransformerOps(ops).keyMask(ops.input("mask", BATCH, KEYS), BATCH, KEYS, HEADS);
    CrossModalAttention.Handles handles =
        CrossModalAttention.build(
            CONFIG,
            layers,
            "attn.",
            query,
            key,
            value,
            mask,
            new CrossModalAttention.Shape(BATCH, QUERIES, KEYS),
            0.3);
    ops.name("output", handles.output());
    ops.name("weights", handles.weights());
    INDArray factors = Normal.fill(4, "factors", 1, new long[] {BATCH * QUERIES, 8}, type);
    ops.name("loss", handles.output().mul(ops.frozen("factors", factors)).sum());
    CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("query", BATCH * QUERIES, 5)
            .input("key", BATCH * KEYS, 7)
            .input("value", BATCH * KEYS, 3)
            .input("mask", BATCH, KEYS)
            .outputs("output", "weights")
            .train(layers.names())
            .losses("loss")
            .gradientOf("query")
            .gradientOf("key")
            .gradientOf("value")
            .build();
    plan.parameters()
        .views()
        .forEach((name, view) -> view.addi(Normal.fill(9, name, 0.2, view.shape(), type)));
    for (String input : List.of("query", "key", "value")) {
      long[] shape = plan.input(input).shape();
      plan.input(input).assign(Normal.fill(5, input, 1, shape, type));
    }
    float[] mask1 = new float[BATCH * KEYS];
    for (int b = 0; b < BATCH; b++) {
      Arrays.fill(mask1, b * KEYS, b * KEYS + SEEN[b], 1);
    }
    plan.fill("mask", mask1);
    return plan;
  }

  private static double[][] rows(INDArray all, int sample, int each) {
    return Arrays.copyOfRange(
        all.castTo(DataType.DOUBLE).toDoubleMatrix(), sample * each, (sample + 1) * each);
  }

  @ParameterizedTest
  @CsvSource({"DOUBLE, 1e-12", "FLOAT, 1e-5"})
  void theOutputEqualsThatOfPlainLoopsOverTheKeysThatCount(DataType type, double tolerance) {
    try (CompiledGraph plan = plan(type)) {
      plan.run();
      PlainLoops loops = new PlainLoops(plan.parameters().views());
      for (int b = 0; b < BATCH; b++) {
        double[][] query = rows(plan.input("query"), b, QUERIES);
        double[][] q = loops.linear("attn.q_proj", query);
        double[][] k = loops.linear("attn.k_proj", rows(plan.input("key"), b, KEYS));
        double[][] v = loops.linear("attn.v_proj", rows(plan.input("value"), b, KEYS));
        double[][] mixed = new double[QUERIES][8];
        for (int t = 0; t < QUERIES; t++) {
          for (int h = 0; h < HEADS; h++) {
            double[] weights = new double[SEEN[b]];
            for (int s = 0; s < SEEN[b]; s++) {
              double score =
                  PlainLoops.dot(
                      Arrays.copyOfRange(q[t], 4 * h, 4 * h + 4),
                      Arrays.copyOfRange(k[s], 4 * h, 4 * h + 4));
              weights[s] = Math.exp(score / 2);
            }
            double sum = Arrays.stream(weights).sum();
            for (int s = 0; s < KEYS; s++) {
              double weight = s < SEEN[b] ? weights[s] / sum : 0;
              assertThat(plan.output("weights").getDouble(b, h, t, s))
                  .isCloseTo(weight, Offset.offset(tolerance));
              for (int i = 4 * h; i < 4 * h + 4; i++) {
                mixed[t][i] += weight * v[s][i];
              }
            }
          }
        }
        double[][] expected = loops.linear("attn.out_proj", mixed);
        double[][] output = rows(plan.output("output"), b, QUERIES);
        for (int t = 0; t < QUERIES; t++) {
          assertThat(output[t]).containsExactly(expected[t], Offset.offset(tolerance));
        }
      }
    }
  }

  @Test
  void gradientsEqualCentralDifferences() {
    try (CompiledGraph plan = plan(DataType.DOUBLE)) {
      GradientCheck.Result result =
          GradientCheck.check(plan, "loss", List.of("query", "key", "value"), 50);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @ParameterizedTest
  @CsvSource({"DOUBLE", "FLOAT"})
  void whatStandsAtKeysThatDoNotCountChangesNothingAndGetsNoGradient(DataType type) {
    try (CompiledGraph plan = plan(type)) {
      plan.run();
      INDArray output = plan.output("output").dup();
      INDArray gradients = plan.gradients().flat().dup();
      for (int b = 0; b < BATCH; b++) {
        for (int s = SEEN[b]; s < KEYS; s++) {
          for (String input : List.of("key", "value")) {
            // of doubles the softmax leaves exp(-500), which no sum notices
            assertThat(plan.gradientOf(input).getRow(b * KEYS + s).amaxNumber().doubleValue())
                .isLessThan(1e-200);
            plan.input(input).getRow(b * KEYS + s).assign(37 + s);
          }
        }
      }
      plan.run();
      assertThat(plan.output("output").sub(output).amaxNumber().doubleValue()).isZero();
      assertThat(plan.gradients().flat().sub(gradients).amaxNumber().doubleValue())
          .isLessThan(1e-100);
    }
  }

  @Test
  void widthsThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> new CrossModalAttention.Config(5, 7, 3, 8, 3))
        .hasMessageContaining("hidden_size=8, expected a multiple of num_attention_heads=3");
    assertThatThrownBy(() -> new CrossModalAttention.Config(0, 7, 3, 8, 2))
        .hasMessageContaining("query_dim=0");
    assertThatThrownBy(() -> new CrossModalAttention.Config(5, 7, 3, 8, 0))
        .hasMessageContaining("num_attention_heads=0");
  }
}
