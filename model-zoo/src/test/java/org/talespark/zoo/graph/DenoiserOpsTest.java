package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.graph.OpsTest.in;
import static org.talespark.zoo.graph.OpsTest.s;

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

/** Every op of denoisers, and attention to all keys: gradients, fused forms, identities. */
class DenoiserOpsTest {

  private static TransformerOps of(Ops ops) {
    return new TransformerOps(ops);
  }

  private static DenoiserOps denoiser(Ops ops) {
    return new DenoiserOps(ops);
  }

  /** A mask [B, S] under which key t of sample b counts unless 3 divides b + t + 1. */
  private static SDVariable mask(Ops ops, int batch, int keys, int heads) {
    double[][] mask = new double[batch][keys];
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < keys; t++) {
        mask[b][t] = (b + t + 1) % 3 == 0 ? 0 : 1;
      }
    }
    SDVariable constant = ops.graph().constant(Nd4j.createFromArray(mask).castTo(ops.type()));
    return of(ops).keyMask(constant, batch, keys, heads);
  }

  /** Attention over rows of [B*T, h*d] and twice [B*S, h*d]. */
  private static Case attention(
      String name, int batch, int tokens, int keys, int heads, int dimension, boolean masked) {
    long width = (long) heads * dimension;
    return new Case(
        name,
        (o, x) -> {
          TransformerOps t = of(o);
          SDVariable mixed =
              t.attention(
                  t.splitHeads(x.get(0), batch, tokens, heads),
                  t.splitHeads(x.get(1), batch, keys, heads),
                  t.splitHeads(x.get(2), batch, keys, heads),
                  masked ? mask(o, batch, keys, heads) : null,
                  dimension);
          return t.joinHeads(mixed, batch, tokens, heads);
        },
        in(
            s((long) batch * tokens, width),
            s((long) batch * keys, width),
            s((long) batch * keys, width)));
  }

  static Stream<Case> ops() {
    return Stream.of(
        new Case(
            "layerNorm",
            (o, x) -> of(o).layerNorm(x.get(0), x.get(1), x.get(2), 1e-5),
            in(s(3, 5), s(5), s(5)),
            in(s(1, 2), s(2), s(2)),
            in(s(150, 130), s(130), s(130))),
        new Case(
            "modulatedLayerNorm",
            (o, x) -> denoiser(o).modulatedLayerNorm(x.get(0), x.get(1), x.get(2), 3, 50, 1e-6),
            in(s(150, 6), s(3, 6), s(3, 6)),
            in(s(150, 131), s(3, 131), s(3, 131))),
        new Case(
            "modulatedLayerNorm of one token",
            (o, x) -> denoiser(o).modulatedLayerNorm(x.get(0), x.get(1), x.get(2), 2, 1, 1e-6),
            in(s(2, 4), s(2, 4), s(2, 4))),
        new Case(
            "gated",
            (o, x) -> denoiser(o).gated(x.get(0), x.get(1), x.get(2), 2, 3),
            in(s(6, 5), s(6, 5), s(2, 5)),
            in(s(6, 130), s(6, 130), s(2, 130))),
        new Case(
            "chunks",
            (o, x) -> {
              SDVariable[] parts = denoiser(o).chunks(x.get(0), 4, 5, 3);
              return parts[0].mul(parts[2]).add(parts[1]);
            },
            in(s(4, 15))),
        new Case(
            "chunks of which one is used",
            (o, x) -> denoiser(o).chunks(x.get(0), 4, 5, 3)[1],
            in(s(4, 15))),
        new Case("geGlu", (o, x) -> denoiser(o).geGlu(x.get(0), 3, 5), in(s(3, 10))),
        new Case(
            "geGlu of many rows", (o, x) -> denoiser(o).geGlu(x.get(0), 70, 301), in(s(70, 602))),
        new Case(
            "geGlu of rows longer than a block",
            (o, x) -> denoiser(o).geGlu(x.get(0), 9, 2100),
            in(s(9, 4200))),
        new Case("tokens", (o, x) -> denoiser(o).tokens(x.get(0), 2, 3, 5), in(s(2, 3, 5, 5))),
        new Case(
            "tokens of many channels",
            (o, x) -> denoiser(o).tokens(x.get(0), 3, 67, 18),
            in(s(3, 67, 18, 18))),
        new Case("featureMap", (o, x) -> denoiser(o).featureMap(x.get(0), 2, 7, 3), in(s(18, 7))),
        new Case(
            "addToPlanes",
            (o, x) -> denoiser(o).addToPlanes(x.get(0), x.get(1), 2, 3),
            in(s(2, 3, 5, 4), s(2, 3)),
            in(s(2, 3, 123, 130), s(2, 3))),
        new Case(
            "modulatedGroupNormSilu",
            (o, x) ->
                denoiser(o)
                    .modulatedGroupNormSilu(
                        x.get(0), x.get(1), x.get(2), x.get(3), x.get(4), 2, 1e-5),
            in(s(2, 6, 3, 5), s(6), s(6), s(2, 6), s(2, 6)),
            in(s(1, 4, 2, 2), s(4), s(4), s(1, 4), s(1, 4)),
            in(s(3, 8, 70, 50), s(8), s(8), s(3, 8), s(3, 8))),
        new Case("crop", (o, x) -> denoiser(o).crop(x.get(0), 2, 3, 5), in(s(2, 3, 6, 6))),
        new Case(
            "softmax of every key",
            (o, x) -> of(o).maskedSoftmax(x.get(0), null, 0.7),
            in(s(2, 3, 4, 5)),
            in(s(2, 1, 67, 43)),
            in(s(1, 2, 3, 1))),
        new Case(
            "softmax under a mask",
            (o, x) -> of(o).maskedSoftmax(x.get(0), mask(o, 2, 5, 3), 0.7),
            in(s(2, 3, 4, 5)),
            in(s(2, 3, 1, 5))),
        new Case(
            "softmax of more keys than a block has",
            (o, x) -> of(o).maskedSoftmax(x.get(0), mask(o, 1, 2100, 2), 3),
            in(s(1, 2, 2, 2100))),
        new Case(
            "softmax of rows without a key",
            (o, x) -> of(o).maskedSoftmax(x.get(0), mask(o, 3, 1, 2), 0.7),
            in(s(3, 2, 4, 1))),
        attention("attention", 2, 5, 5, 2, 4, false),
        attention("attention to fewer keys", 2, 7, 3, 2, 4, false),
        attention("attention to more keys under a mask", 3, 4, 11, 2, 3, true),
        attention("attention of one token to one key", 2, 1, 1, 2, 3, false));
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

  private static double largest(INDArray a) {
    return a.amaxNumber().doubleValue();
  }

  @Test
  void weightsOfKeysThatCountSumToOneAndTheOthersAreExactlyZero() {
    for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
      Ops ops = new Ops(type);
      SDVariable x = ops.input("x", 3, 2, 7, 5);
      ops.name("y", of(ops).maskedSoftmax(x, mask(ops, 3, 5, 2), 4));
      try (CompiledGraph plan =
          CompiledGraph.of(ops.graph()).input("x", 3, 2, 7, 5).outputs("y").build()) {
        plan.input("x").assign(StockGraphs.random(1, 3, 2, 7, 5).mul(30));
        plan.run();
        for (int b = 0; b < 3; b++) {
          for (int row = 0; row < 14; row++) {
            double sum = 0;
            for (int t = 0; t < 5; t++) {
              double weight = plan.output("y").getDouble(b, row / 7, row % 7, t);
              if ((b + t + 1) % 3 == 0) {
                assertThat(weight).isZero();
              }
              sum += weight;
            }
            assertThat(sum).isCloseTo(1, Offset.offset(1e-6));
          }
        }
      }
    }
  }

  @Test
  void aModulationOfZeroIsPlainNormalisation() {
    Ops ops = new Ops(DataType.FLOAT);
    SDVariable x = ops.input("x", 6, 8);
    SDVariable zero = ops.graph().constant(Nd4j.zeros(DataType.FLOAT, 2, 8));
    ops.name("modulated", denoiser(ops).modulatedLayerNorm(x, zero, zero, 2, 3, 1e-6));
    SDVariable one = ops.graph().constant(Nd4j.ones(DataType.FLOAT, 8));
    SDVariable none = ops.graph().constant(Nd4j.zeros(DataType.FLOAT, 8));
    ops.name("plain", of(ops).layerNorm(x, one, none, 1e-6));
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph()).input("x", 6, 8).outputs("modulated", "plain").build()) {
      plan.input("x").assign(StockGraphs.random(1, 6, 8));
      plan.run();
      assertThat(largest(plan.output("modulated").sub(plan.output("plain")))).isZero();
      assertThat(largest(plan.output("plain").mean(1))).isLessThan(1e-6);
    }
  }

  @Test
  void mapsBecomeTokensRowByRowAndMapsAgain() {
    for (boolean fuse : new boolean[] {true, false}) {
      Ops ops = new Ops(DataType.FLOAT, fuse);
      SDVariable x = ops.input("x", 2, 3, 4, 4);
      SDVariable tokens = ops.name("tokens", denoiser(ops).tokens(x, 2, 3, 4));
      ops.name("again", denoiser(ops).featureMap(tokens, 2, 3, 4));
      try (CompiledGraph plan =
          CompiledGraph.of(ops.graph()).input("x", 2, 3, 4, 4).outputs("tokens", "again").build()) {
        INDArray map = StockGraphs.random(1, 2, 3, 4, 4);
        plan.input("x").assign(map);
        plan.run();
        assertThat(largest(plan.output("again").sub(map))).isZero();
        for (int channel = 0; channel < 3; channel++) {
          assertThat(plan.output("tokens").getDouble(16 + 2 * 4 + 1, channel))
              .isEqualTo(map.getDouble(1, channel, 2, 1));
        }
      }
    }
  }

  @Test
  void theNormalDistributionIsRightWhereverItMatters() {
    NormalDistribution normal = new NormalDistribution();
    float[] x = new float[NormalDistribution.BLOCK];
    float[] probability = new float[x.length];
    float[] density = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = -12 + 24f * i / x.length;
    }
    normal.apply(x, probability, density, x.length);
    double sum = 0; // the integral of the density, by trapezia of double steps
    double at = -12;
    for (int i = 0; i < x.length; i++) {
      double step = (x[i] - at) / 200;
      for (int k = 0; k < 200; k++) {
        sum += step * (phi(at) + phi(at + step)) / 2;
        at += step;
      }
      at = x[i];
      assertThat(density[i]).isCloseTo((float) phi(x[i]), Offset.offset(1e-7f));
      assertThat(probability[i]).isCloseTo((float) sum, Offset.offset(3e-7f));
    }
    float[] special = {0, Float.NaN, 100, -100};
    normal.apply(special, probability, density, 4);
    assertThat(probability[0]).isEqualTo(0.5f);
    assertThat(probability[1]).isNaN();
    assertThat(probability[2]).isEqualTo(1);
    assertThat(probability[3]).isZero();
  }

  private static double phi(double x) {
    return Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  }

  @Test
  void shapesThatDoNotFitAreRefused() {
    Ops ops = new Ops(DataType.FLOAT);
    SDVariable x = ops.input("x", 6, 8);
    SDVariable z = of(ops).maskedSoftmax(x, x, 1);
    assertThatThrownBy(
            () -> CompiledGraph.of(ops.graph()).input("x", 6, 9).outputs(z.name()).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Cannot take softmax: shapes=[[6, 9], [6, 9]]");
    Ops other = new Ops(DataType.FLOAT);
    SDVariable rows = other.input("rows", 6, 8);
    SDVariable samples = other.input("samples", 4, 8);
    SDVariable u = denoiser(other).gated(rows, rows, samples, 4, 2);
    assertThatThrownBy(
            () ->
                CompiledGraph.of(other.graph())
                    .input("rows", 6, 8)
                    .input("samples", 4, 8)
                    .outputs(u.name())
                    .build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Cannot gate rows: shapes=[[6, 8], [6, 8], [4, 8]]");
    assertThatThrownBy(() -> of(ops).maskedSoftmax(x, null, 0))
        .hasMessageContaining("scale=0.0, expected more than 0");
  }
}
