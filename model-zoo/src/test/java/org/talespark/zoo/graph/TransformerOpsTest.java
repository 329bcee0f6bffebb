package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.graph.OpsTest.in;
import static org.talespark.zoo.graph.OpsTest.s;

import java.util.Arrays;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.OpsTest.Case;

/** Every op of language models: its gradient, its fused form, and the identities of its paper. */
class TransformerOpsTest {

  private static TransformerOps of(Ops ops) {
    return new TransformerOps(ops);
  }

  /** Labels 0, 3, 6 .. modulo the classes. */
  private static SDVariable labels(Ops ops, int rows, int classes) {
    return OpsTest.constant(ops, IntStream.range(0, rows).map(i -> 3 * i % classes).toArray());
  }

  /** Attention over rows of [B*T, h*d] and twice [B*T, k*d]. */
  private static Case attention(String name, AttentionShape a) {
    long rows = (long) a.batch() * a.tokens();
    long width = (long) a.heads() * a.dimension();
    long keyWidth = (long) a.keyHeads() * a.dimension();
    Rotary rotary = new Rotary(100, a.dimension(), a.tokens());
    return new Case(
        name,
        (o, x) -> {
          TransformerOps t = of(o);
          SDVariable mixed =
              t.causalAttention(
                  t.splitHeads(x.get(0), a.batch(), a.heads(), rotary),
                  t.splitHeads(x.get(1), a.batch(), a.keyHeads(), rotary),
                  t.splitHeads(x.get(2), a.batch(), a.tokens(), a.keyHeads()),
                  a);
          return t.joinHeads(mixed, a.batch(), a.tokens(), a.heads());
        },
        in(s(rows, width), s(rows, keyWidth), s(rows, keyWidth)));
  }

  static Stream<Case> ops() {
    return Stream.of(
        new Case(
            "rmsNorm",
            (o, x) -> of(o).rmsNorm(x.get(0), x.get(1), 1e-5),
            in(s(3, 5), s(5)),
            in(s(1, 1), s(1)),
            in(s(70, 130), s(130))),
        new Case(
            "swiGlu",
            (o, x) -> of(o).swiGlu(x.get(0), x.get(1)),
            in(s(3, 5), s(3, 5)),
            in(s(67, 311), s(67, 311))),
        new Case(
            "splitHeads",
            (o, x) -> of(o).splitHeads(x.get(0), 2, 35, 3),
            in(s(70, 12)),
            in(s(70, 3))),
        new Case(
            "splitHeads with rotary positions",
            (o, x) -> of(o).splitHeads(x.get(0), 2, 3, new Rotary(50, 4, 35)),
            in(s(70, 12))),
        new Case(
            "joinHeads",
            (o, x) -> of(o).joinHeads(x.get(0), 2, 37, 3),
            in(s(2, 3, 37, 4)),
            in(s(2, 3, 37, 1))),
        new Case(
            "causalSoftmax",
            (o, x) -> of(o).causalSoftmax(x.get(0), 0.7, 6, 3),
            in(s(2, 2, 6, 3)),
            in(s(1, 1, 6, 3))),
        new Case(
            "causalSoftmax of one token",
            (o, x) -> of(o).causalSoftmax(x.get(0), 0.7, 2, 1),
            in(s(2, 1, 2, 1))),
        new Case(
            "causalSoftmax of more rows than a block has",
            (o, x) -> of(o).causalSoftmax(x.get(0), 2.5, 134, 67),
            in(s(1, 2, 134, 67))),
        attention("attention", new AttentionShape(2, 5, 2, 2, 4)),
        attention("attention with grouped queries", new AttentionShape(2, 7, 6, 2, 2)),
        attention("attention to one key head", new AttentionShape(1, 33, 4, 1, 6)),
        attention("attention of one token", new AttentionShape(2, 1, 2, 1, 2)),
        new Case(
            "crossEntropy of many rows and classes",
            (o, x) -> o.crossEntropy(x.get(0), labels(o, 70, 37), 37),
            in(s(70, 37))),
        new Case(
            "crossEntropy of more classes than a block has",
            (o, x) -> o.crossEntropy(x.get(0), labels(o, 3, 2100), 2100),
            in(s(3, 2100))),
        new Case(
            "crossEntropy of rows without weight",
            (o, x) ->
                o.crossEntropy(x.get(0), labels(o, 4, 5), 5)
                    .mul(o.graph().constant(Nd4j.createFromArray(1.0, 0, 2, 0).castTo(o.type()))),
            in(s(4, 5))),
        new Case(
            "embedding with repeated rows",
            (o, x) -> o.embedding(x.get(0), labels(o, 70, 9)),
            in(s(11, 130))));
  }

  @ParameterizedTest
  @MethodSource("ops")
  void gradientsEqualCentralDifferences(Case c) {
    OpsTest.assertGradients(c);
  }

  @ParameterizedTest
  @MethodSource("ops")
  void fusedEqualsPlainForwardAndBackward(Case c) {
    OpsTest.assertFusedEqualsPlain(c);
  }

  // --- identities

  private static INDArray random(long seed, long... shape) {
    Random random = new Random(seed);
    long n = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    return Nd4j.createFromArray(random.doubles(n, -1, 1).toArray()).reshape(shape);
  }

  /** The value of an op of frozen inputs. */
  private static INDArray value(
      DataType type, BiFunction<Ops, SDVariable[], SDVariable> op, INDArray... inputs) {
    Ops ops = new Ops(type);
    SDVariable[] variables = new SDVariable[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      variables[i] = ops.input("x" + i, inputs[i].shape());
    }
    ops.name("y", op.apply(ops, variables));
    CompiledGraph.Builder builder = CompiledGraph.of(ops.graph()).outputs("y");
    for (int i = 0; i < inputs.length; i++) {
      builder.input("x" + i, inputs[i].shape());
    }
    try (CompiledGraph plan = builder.build()) {
      for (int i = 0; i < inputs.length; i++) {
        plan.input("x" + i).assign(inputs[i]);
      }
      plan.run();
      return plan.output("y").castTo(DataType.DOUBLE).dup();
    }
  }

  @Test
  void aScaledRowHasTheSameRmsNorm() {
    INDArray x = random(1, 4, 6);
    INDArray gain = random(2, 6);
    for (DataType type : new DataType[] {DataType.DOUBLE, DataType.FLOAT}) {
      double tolerance = type == DataType.DOUBLE ? 1e-12 : 1e-6;
      INDArray plain = value(type, (o, v) -> of(o).rmsNorm(v[0], v[1], 0), x, gain);
      INDArray scaled = value(type, (o, v) -> of(o).rmsNorm(v[0], v[1], 0), x.mul(37), gain);
      assertThat(scaled.sub(plain).amaxNumber().doubleValue()).isLessThan(tolerance);
      // and without its gain each row has mean square 1
      INDArray unit =
          value(type, (o, v) -> of(o).rmsNorm(v[0], v[1], 0), x, Nd4j.ones(DataType.DOUBLE, 6));
      for (int row = 0; row < 4; row++) {
        double square = unit.getRow(row).norm2Number().doubleValue();
        assertThat(square * square / 6).isCloseTo(1, Offset.offset(tolerance));
      }
    }
  }

  @Test
  void rotaryScoresDependOnTheDistanceOfPositionsAlone() {
    int tokens = 40;
    Rotary rotary = new Rotary(10000, 8, tokens);
    // the same query, and the same key, at all positions
    INDArray query = Nd4j.tile(random(3, 1, 8), tokens, 1);
    INDArray key = Nd4j.tile(random(4, 1, 8), tokens, 1);
    for (DataType type : new DataType[] {DataType.DOUBLE, DataType.FLOAT}) {
      INDArray scores =
          value(
                  type,
                  (o, v) ->
                      o.matmul(
                          of(o).splitHeads(v[0], 1, 1, rotary),
                          of(o).splitHeads(v[1], 1, 1, rotary),
                          false,
                          true),
                  query,
                  key)
              .reshape(tokens, tokens);
      double tolerance = type == DataType.DOUBLE ? 1e-12 : 2e-6;
      for (int i = 1; i < tokens; i++) {
        for (int j = 1; j < tokens; j++) {
          assertThat(scores.getDouble(i, j))
              .isCloseTo(scores.getDouble(i - 1, j - 1), Offset.offset(tolerance));
        }
      }
      assertThat(scores.getDouble(0, 0))
          .isCloseTo(
              query.getRow(0).mul(key.getRow(0)).sumNumber().doubleValue(),
              Offset.offset(tolerance));
      assertThat(Math.abs(scores.getDouble(5, 0) - scores.getDouble(0, 0))).isGreaterThan(1e-3);
    }
  }

  @Test
  void causalWeightsSumToOneAndLookAtNothingLater() {
    INDArray weights =
        value(
            DataType.FLOAT,
            (o, v) -> of(o).causalSoftmax(v[0], 3, 10, 5),
            random(5, 2, 3, 10, 5).mul(20));
    for (int b = 0; b < 2; b++) {
      for (int head = 0; head < 3; head++) {
        for (int r = 0; r < 10; r++) {
          double sum = 0;
          for (int t = 0; t < 5; t++) {
            double weight = weights.getDouble(b, head, r, t);
            if (t > r % 5) {
              assertThat(weight).isZero();
            }
            sum += weight;
          }
          assertThat(sum).isCloseTo(1, Offset.offset(1e-6));
        }
      }
    }
  }

  @Test
  void theGradientOfAnEmbeddingHasTheBitsOfNd4js() {
    INDArray[] gradients = new INDArray[2];
    for (int i = 0; i < 2; i++) {
      Ops ops = new Ops(DataType.FLOAT, i == 0);
      SDVariable table = ops.parameter("table", random(6, 11, 130));
      SDVariable rows = ops.embedding(table, labels(ops, 70, 9));
      ops.name("loss", rows.mul(ops.frozen("weights", random(7, 70, 130))).sum());
      CompiledGraph plan =
          CompiledGraph.of(ops.graph()).train(java.util.List.of("table")).losses("loss").build();
      plan.run();
      plan.run();
      gradients[i] = plan.gradients().view("table");
    }
    assertThat(gradients[0].dup().data().asFloat()).isEqualTo(gradients[1].dup().data().asFloat());
  }

  @Test
  void theFastExponentialIsRightToTwoUnitsInTheLastPlace() {
    FastExp exp = new FastExp();
    int count = 200_000;
    double worst = 0;
    float[] x = new float[FastExp.BLOCK];
    for (int at = 0; at < count; at += x.length - 3) {
      float[] from = new float[x.length];
      for (int i = 0; i < x.length; i++) {
        from[i] = -87 + 174.0f * (at + i) / count;
        x[i] = from[i];
      }
      exp.apply(x, 3, x.length - 3);
      assertThat(Arrays.copyOf(x, 3)).isEqualTo(Arrays.copyOf(from, 3));
      for (int i = 3; i < x.length; i++) {
        double expected = Math.exp(from[i]);
        worst = Math.max(worst, Math.abs(x[i] - expected) / Math.ulp((float) expected));
      }
    }
    assertThat(worst).isLessThan(2);
    float[] special = {0, -0f, Float.NaN, Float.NEGATIVE_INFINITY, -1000, 1000};
    exp.apply(special, 0, special.length);
    assertThat(special[0]).isEqualTo(1);
    assertThat(special[1]).isEqualTo(1);
    assertThat(special[2]).isNaN();
    assertThat(special[3]).isPositive().isLessThan(1e-37f);
    assertThat(special[4]).isEqualTo(special[3]);
    assertThat(special[5]).isGreaterThan(1e38f).isFinite();
  }

  @Test
  void shapesThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> new AttentionShape(1, 4, 6, 4, 2))
        .hasMessageContaining("heads=6 key_heads=4");
    assertThatThrownBy(() -> new Rotary(10000, 3, 4)).hasMessageContaining("dimension=3");
    assertThatThrownBy(
            () ->
                value(
                    DataType.FLOAT,
                    (o, v) -> of(o).splitHeads(v[0], 2, 3, new Rotary(10, 4, 5)),
                    random(1, 10, 18)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("shape=[10, 18]");
    assertThatThrownBy(
            () ->
                value(
                    DataType.FLOAT,
                    (o, v) -> o.crossEntropy(v[0], OpsTest.constant(o, 0, 7), 7),
                    random(1, 2, 7)))
        .hasMessageContaining("row=1 label=7, expected 0 to 6");
  }
}
