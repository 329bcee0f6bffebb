package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Every op: its gradient against central differences, and fused ops against their plain twins. */
class OpsTest {

  /** An op over some float inputs, with the shapes to try. */
  record Case(
      String name, BiFunction<Ops, List<SDVariable>, SDVariable> op, List<long[][]> shapes) {
    Case(String name, BiFunction<Ops, List<SDVariable>, SDVariable> op, long[][]... shapes) {
      this(name, op, List.of(shapes));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static long[] s(long... shape) {
    return shape;
  }

  static long[][] in(long[]... shapes) {
    return shapes;
  }

  static Stream<Case> ops() {
    return Stream.of(
        new Case(
            "conv2d 3x3, stride 1, padding 1",
            (o, x) -> o.conv2d(x.get(0), x.get(1), x.get(2), 1, 1),
            in(s(2, 3, 5, 7), s(4, 3, 3, 3), s(4)),
            in(s(1, 1, 3, 3), s(1, 1, 3, 3), s(1))),
        new Case(
            "conv2d 4x4, stride 2, padding 1, no bias",
            (o, x) -> o.conv2d(x.get(0), x.get(1), null, 2, 1),
            in(s(2, 3, 8, 6), s(5, 3, 4, 4))),
        new Case(
            "conv2d 1x1",
            (o, x) -> o.conv2d(x.get(0), x.get(1), x.get(2), 1, 0),
            in(s(2, 3, 4, 5), s(6, 3, 1, 1), s(6))),
        new Case(
            "convTranspose2d 4x4, stride 2, padding 1",
            (o, x) -> o.convTranspose2d(x.get(0), x.get(1), x.get(2), 2, 1),
            in(s(2, 3, 4, 5), s(3, 2, 4, 4), s(2))),
        new Case("upsample", (o, x) -> o.upsample(x.get(0)), in(s(2, 3, 4, 5)), in(s(1, 1, 1, 1))),
        new Case("maxPool", (o, x) -> o.maxPool(x.get(0), 2), in(s(2, 3, 4, 6))),
        new Case("averagePool", (o, x) -> o.averagePool(x.get(0), 2), in(s(2, 3, 4, 6))),
        new Case("padBottomRight", (o, x) -> o.padBottomRight(x.get(0)), in(s(2, 3, 4, 5))),
        new Case(
            "groupNorm",
            (o, x) -> o.groupNorm(x.get(0), x.get(1), x.get(2), 2, 1e-6),
            in(s(2, 4, 3, 5), s(4), s(4)),
            in(s(1, 6, 5, 7), s(6), s(6))),
        new Case(
            "groupNormSilu",
            (o, x) -> o.groupNormSilu(x.get(0), x.get(1), x.get(2), 3, 1e-6),
            in(s(2, 6, 3, 3), s(6), s(6)),
            in(s(3, 6, 40, 40), s(6), s(6)),
            in(s(3, 3, 2, 9), s(3), s(3))),
        new Case(
            "layerNorm",
            (o, x) -> o.layerNorm(x.get(0), x.get(1), x.get(2), 2),
            in(s(5, 7), s(7), s(7))),
        new Case(
            "layerNorm without shift",
            (o, x) -> o.layerNorm(x.get(0), x.get(1), null, 3),
            in(s(2, 3, 8), s(8))),
        new Case(
            "batchNorm",
            (o, x) -> o.batchNorm(x.get(0), x.get(1), x.get(2), 1e-5),
            in(s(4, 3, 2, 5), s(3), s(3))),
        new Case("relu", (o, x) -> o.relu(x.get(0)), in(s(3, 5)), in(s(2, 3, 4, 5))),
        new Case("leakyRelu", (o, x) -> o.leakyRelu(x.get(0), 0.2), in(s(3, 5))),
        new Case("silu", (o, x) -> o.silu(x.get(0)), in(s(3, 5)), in(s(1, 7, 3))),
        new Case("gelu", (o, x) -> o.gelu(x.get(0)), in(s(3, 5)), in(s(67, 311))),
        new Case("quickGelu", (o, x) -> o.quickGelu(x.get(0)), in(s(3, 5)), in(s(67, 311))),
        new Case("tanh", (o, x) -> o.tanh(x.get(0)), in(s(3, 5))),
        new Case("sigmoid", (o, x) -> o.sigmoid(x.get(0)), in(s(3, 5))),
        new Case("softplus", (o, x) -> o.softplus(x.get(0)), in(s(3, 5))),
        new Case("softmax", (o, x) -> o.softmax(x.get(0), 1), in(s(3, 5))),
        new Case("softmax of the last of three", (o, x) -> o.softmax(x.get(0), 2), in(s(2, 3, 4))),
        new Case("logSoftmax", (o, x) -> o.logSoftmax(x.get(0), 1), in(s(3, 5)), in(s(1, 2))),
        new Case(
            "matmul", (o, x) -> o.matmul(x.get(0), x.get(1), false, false), in(s(3, 5), s(5, 2))),
        new Case(
            "matmul, first transposed",
            (o, x) -> o.matmul(x.get(0), x.get(1), true, false),
            in(s(5, 3), s(5, 2))),
        new Case(
            "matmul, both transposed",
            (o, x) -> o.matmul(x.get(0), x.get(1), true, true),
            in(s(5, 3), s(2, 5))),
        new Case(
            "matmul of two rows into one number",
            (o, x) -> o.matmul(x.get(0), x.get(1), false, true),
            in(s(1, 3), s(1, 3))),
        new Case(
            "matmul of two columns into one number",
            (o, x) -> o.matmul(x.get(0), x.get(1), true, false),
            in(s(3, 1), s(3, 1))),
        new Case(
            "batched matmul, second transposed",
            (o, x) -> o.matmul(x.get(0), x.get(1), false, true),
            in(s(2, 3, 4, 5), s(2, 3, 6, 5))),
        new Case(
            "linear",
            (o, x) -> o.linear(x.get(0), x.get(1), x.get(2)),
            in(s(3, 5), s(4, 5), s(4)),
            in(s(1, 1), s(2, 1), s(2)),
            in(s(300, 7), s(257, 7), s(257)),
            in(s(1, 4), s(1, 4), s(1))),
        new Case(
            "embedding of a computed table",
            (o, x) -> o.embedding(o.tanh(x.get(0)), constant(o, 3, 0, 3, 1), 5),
            in(s(5, 2))),
        new Case(
            "embedding",
            (o, x) -> o.embedding(x.get(0), constant(o, 3, 0, 3, 1)),
            in(s(5, 2)),
            in(s(4, 1))),
        new Case(
            "embedding of a single index",
            (o, x) -> o.embedding(o.tanh(x.get(0)), constant(o, 2), 5),
            in(s(5, 2)),
            in(s(5, 1))),
        new Case(
            "embedding of computed indices",
            (o, x) -> o.embedding(x.get(0), o.argMinOfRows(o.oneHot(constant(o, 1, 0, 1), 3)), 3),
            in(s(3, 2))),
        new Case(
            "embedding of a single computed index",
            (o, x) -> o.embedding(x.get(0), o.argMinOfRows(o.oneHot(constant(o, 0), 3)), 3),
            in(s(3, 2))),
        new Case(
            "embedding of a single row",
            (o, x) -> o.embedding(x.get(0), constant(o, 0)),
            in(s(1, 4))),
        new Case("cumulativeSum along rows", (o, x) -> o.cumulativeSum(x.get(0), 1), in(s(3, 4))),
        new Case(
            "cumulativeSum along columns", (o, x) -> o.cumulativeSum(x.get(0), 0), in(s(4, 3))),
        new Case(
            "crossEntropy",
            (o, x) -> o.crossEntropy(x.get(0), constant(o, 2, 0, 1), 4),
            in(s(3, 4))),
        new Case("meanSquare", (o, x) -> o.meanSquare(x.get(0), x.get(1)), in(s(3, 4), s(3, 4))),
        new Case(
            "meanAbsolute", (o, x) -> o.meanAbsolute(x.get(0), x.get(1)), in(s(3, 4), s(3, 4))),
        new Case("reshape", (o, x) -> o.reshape(x.get(0), 6, 2), in(s(3, 4))),
        new Case("permute", (o, x) -> o.permute(x.get(0), 2, 0, 1), in(s(2, 3, 4))),
        new Case("concat", (o, x) -> o.concat(1, x.get(0), x.get(1)), in(s(2, 3), s(2, 1))),
        new Case("used three times", (o, x) -> cubed(x.get(0)), in(s(3, 4))));
  }

  private static SDVariable cubed(SDVariable x) {
    return x.mul(x).mul(x).add(x);
  }

  static SDVariable constant(Ops ops, int... indices) {
    return ops.graph().constant(Nd4j.createFromArray(indices));
  }

  @ParameterizedTest
  @MethodSource("ops")
  void gradientsEqualCentralDifferences(Case c) {
    assertGradients(c);
  }

  static void assertGradients(Case c) {
    for (long[][] shapes : c.shapes()) {
      CompiledGraph plan = plan(c, shapes, new Ops(DataType.DOUBLE), 7);
      GradientCheck.Result result = GradientCheck.check(plan, "loss", List.of(), 40);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @ParameterizedTest
  @MethodSource("ops")
  void fusedEqualsPlainForwardAndBackward(Case c) {
    assertFusedEqualsPlain(c);
  }

  static void assertFusedEqualsPlain(Case c) {
    for (long[][] shapes : c.shapes()) {
      CompiledGraph fused = plan(c, shapes, new Ops(DataType.FLOAT), 3);
      CompiledGraph plain = plan(c, shapes, new Ops(DataType.FLOAT, false), 3);
      fused.parameters().flat().assign(0);
      for (String name : plain.parameters().views().keySet()) {
        fused.parameters().view(name).assign(plain.parameters().view(name));
      }
      fused.run();
      plain.run();
      assertThat(fused.output("loss").getDouble(0))
          .isCloseTo(plain.output("loss").getDouble(0), org.assertj.core.data.Offset.offset(1e-5));
      for (String name : plain.gradients().views().keySet()) {
        INDArray expected = plain.gradients().view(name);
        double error = fused.gradients().view(name).distance2(expected);
        assertThat(error).as(name).isLessThan(1e-5 * (1 + expected.norm2Number().doubleValue()));
      }
    }
  }

  /** loss = mean(op(x...) * random weights), so that every output element matters differently. */
  private static CompiledGraph plan(Case c, long[][] shapes, Ops ops, long seed) {
    Random random = new Random(seed);
    List<SDVariable> inputs = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (int i = 0; i < shapes.length; i++) {
      names.add("x" + i);
      inputs.add(ops.parameter("x" + i, awayFromZero(random, shapes[i])));
    }
    SDVariable y = c.op().apply(ops, inputs);
    SDVariable weights = ops.graph().math().sin(ops.graph().onesLike(y).mul(0.7));
    long[] shape = outputShape(c, shapes);
    SDVariable random2 = ops.frozen("weights", awayFromZero(random, shape));
    SDVariable loss = y.mul(random2).mul(weights).mean();
    ops.name("loss", loss);
    return CompiledGraph.of(ops.graph()).train(names).losses("loss").build();
  }

  private static long[] outputShape(Case c, long[][] shapes) {
    Ops ops = new Ops(DataType.DOUBLE);
    List<SDVariable> inputs = new ArrayList<>();
    for (int i = 0; i < shapes.length; i++) {
      inputs.add(ops.parameter("x" + i, awayFromZero(new Random(1), shapes[i])));
    }
    SDVariable y = c.op().apply(ops, inputs);
    CompiledGraph plan = CompiledGraph.of(ops.graph()).outputs(y.name()).build();
    return plan.output(y.name()).shape();
  }

  /** Distinct values at least 0.1 from zero, so that no kink lies within a difference step. */
  private static INDArray awayFromZero(Random random, long[] shape) {
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    INDArray flat = array.reshape(array.length());
    for (long i = 0; i < flat.length(); i++) {
      double value = 0.1 + 0.9 * random.nextDouble();
      flat.putScalar(i, random.nextBoolean() ? value : -value);
    }
    return array;
  }
}
