package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.vq.VectorQuantizer.Learning;
import org.talespark.zoo.vq.VectorQuantizer.Similarity;

class VectorQuantizerTest {
  private static final int N = 37;
  private static final int K = 32; // two levels to the power of D
  private static final int D = 5;
  private static final Offset<Double> TINY = Offset.offset(1e-12);

  private static VectorQuantizer.Config config(Learning learning, Similarity similarity) {
    return new VectorQuantizer.Config(K, D, learning, similarity, 0.25, 0.99, 0);
  }

  private static double[][] random(long seed, int rows, int columns) {
    Random random = new Random(seed);
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      for (int i = 0; i < columns; i++) {
        row[i] = random.nextGaussian();
      }
    }
    return values;
  }

  /** loss, quantized, pull = sum(quantized * w); trains z, and the codes when they learn so. */
  private static CompiledGraph plan(
      VectorQuantizer.Config config, double[][] z, double[][] codes, String loss) {
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable vectors = ops.parameter("z", Nd4j.createFromArray(z));
    SDVariable codebook = ops.parameter("codes", Nd4j.createFromArray(codes));
    VectorQuantizer.Outputs out = VectorQuantizer.quantize(ops, config, vectors, codebook);
    SDVariable w = ops.frozen("w", Nd4j.createFromArray(random(77, N, D)));
    ops.name("indices", out.indices());
    ops.name("quantized", out.quantized());
    ops.name("loss", out.loss());
    ops.name("pull", out.quantized().mul(w).sum());
    boolean learns = config.learning() == Learning.GRADIENT && loss.equals("loss");
    return CompiledGraph.of(ops.graph())
        .outputs("indices", "quantized")
        .train(learns ? List.of("z", "codes") : List.of("z"))
        .losses(loss)
        .build();
  }

  private static double[] unit(double[] v) {
    double norm = Math.sqrt(java.util.Arrays.stream(v).map(x -> x * x).sum() + 1e-12);
    return java.util.Arrays.stream(v).map(x -> x / norm).toArray();
  }

  private static double[][] seen(Similarity similarity, double[][] rows) {
    return similarity == Similarity.EUCLIDEAN
        ? rows
        : java.util.Arrays.stream(rows).map(VectorQuantizerTest::unit).toArray(double[][]::new);
  }

  private static double distance(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum;
  }

  private static int nearest(double[] z, double[][] codes) {
    int best = 0;
    for (int k = 1; k < codes.length; k++) {
      best = distance(z, codes[k]) < distance(z, codes[best]) ? k : best;
    }
    return best;
  }

  @ParameterizedTest
  @EnumSource
  void theChosenCodeIsTheNearestOfAll(Similarity similarity) {
    for (long seed = 0; seed < 5; seed++) {
      double[][] z = random(seed, N, D);
      double[][] codes = random(seed + 50, K, D);
      try (CompiledGraph plan = plan(config(Learning.EMA, similarity), z, codes, "pull")) {
        plan.run();
        int[] indices = plan.output("indices").toIntVector();
        double[][] seenZ = seen(similarity, z);
        double[][] seenCodes = seen(similarity, codes);
        for (int n = 0; n < N; n++) {
          assertThat(indices[n]).isEqualTo(nearest(seenZ[n], seenCodes));
          double[] q = plan.output("quantized").getRow(n).toDoubleVector();
          assertThat(distance(q, seenCodes[indices[n]])).isLessThan(1e-24);
        }
      }
    }
  }

  @Test
  void theGradientOfTheQuantizedVectorsPassesStraightThrough() {
    try (CompiledGraph plan =
        plan(
            config(Learning.EMA, Similarity.EUCLIDEAN), random(1, N, D), random(2, K, D), "pull")) {
      plan.run();
      INDArray w = Nd4j.createFromArray(random(77, N, D));
      assertThat(plan.gradients().view("z").sub(w).amaxNumber().doubleValue()).isEqualTo(0.0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theLossEqualsItsFormula(Learning learning) {
    for (Similarity similarity :
        learning == Learning.GRID ? List.of(Similarity.EUCLIDEAN) : List.of(Similarity.values())) {
      double[][] z = random(3, N, D);
      VectorQuantizer.Config config = config(learning, similarity);
      double[][] codes =
          learning == Learning.GRID
              ? VectorQuantizer.initialCodes(config, DataType.DOUBLE).toDoubleMatrix()
              : random(4, K, D);
      try (CompiledGraph plan = plan(config, z, codes, "loss")) {
        plan.run();
        double[][] seenZ = seen(similarity, z);
        double[][] seenCodes = seen(similarity, codes);
        double mean = 0;
        for (double[] row : seenZ) {
          mean += distance(row, seenCodes[nearest(row, seenCodes)]) / (N * D);
        }
        double expected = 0.25 * mean + (learning == Learning.GRADIENT ? mean : 0);
        assertThat(plan.output("loss").getDouble(0)).isCloseTo(expected, TINY);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theCommitmentGradientIsTheTrueOne(Similarity similarity) {
    try (CompiledGraph plan =
        plan(config(Learning.EMA, similarity), random(5, N, D), random(6, K, D), "loss")) {
      GradientCheck.Result result = GradientCheck.check(plan, "loss", List.of(), 30);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @Test
  void theCodebookLossPullsEachCodeTowardsItsVectors() {
    double[][] z = random(7, N, D);
    double[][] codes = random(8, K, D);
    try (CompiledGraph plan =
        plan(config(Learning.GRADIENT, Similarity.EUCLIDEAN), z, codes, "loss")) {
      plan.run();
      double[][] expected = new double[K][D]; // 2 (e - z) / (N D), over the vectors of a code
      for (double[] row : z) {
        int k = nearest(row, codes);
        for (int i = 0; i < D; i++) {
          expected[k][i] += 2 * (codes[k][i] - row[i]) / (N * D);
        }
      }
      INDArray gradient = plan.gradients().view("codes");
      assertThat(gradient.sub(Nd4j.createFromArray(expected)).amaxNumber().doubleValue())
          .isLessThan(1e-15);

      double before = plan.output("loss").getDouble(0);
      INDArray live = plan.parameters().view("codes");
      INDArray old = live.dup();
      for (int step = 0; step < 20; step++) {
        live.subi(gradient.mul(N * D / 20.0));
        plan.run();
      }
      assertThat(live.sub(old).amaxNumber().doubleValue()).isGreaterThan(0.1);
      assertThat(plan.output("loss").getDouble(0)).isLessThan(0.9 * before);
    }
  }

  @Test
  void theCodebookIsAParameterOnlyWhenItLearnsByGradient() {
    for (Learning learning : Learning.values()) {
      Ops ops = new Ops(DataType.FLOAT);
      org.talespark.zoo.nn.Layers layers = org.talespark.zoo.nn.Layers.trainable(ops, 1);
      VectorQuantizer.codebook(layers, config(learning, Similarity.EUCLIDEAN), "codes");
      assertThat(layers.names())
          .isEqualTo(learning == Learning.GRADIENT ? List.of("codes") : List.of());
    }
  }

  @Test
  void aGridHasEveryCombinationOfItsLevelsAndRoundsEachDimensionForItself() {
    VectorQuantizer.Config grid =
        new VectorQuantizer.Config(64, 3, Learning.GRID, Similarity.EUCLIDEAN, 0.25, 0.99, 0);
    INDArray codes = VectorQuantizer.initialCodes(grid, DataType.DOUBLE);
    java.util.Set<List<Long>> points = new java.util.HashSet<>();
    double[][] rows = codes.toDoubleMatrix();
    for (double[] row : rows) {
      // -1, -1/3, 1/3, 1
      points.add(java.util.Arrays.stream(row).mapToObj(x -> Math.round(3 * x)).toList());
    }
    assertThat(points).hasSize(64);
    assertThat(points.stream().flatMap(List::stream)).containsOnly(-3L, -1L, 1L, 3L);

    double[][] z = random(4, N, 3);
    Ops ops = new Ops(DataType.DOUBLE);
    SDVariable vectors = ops.frozen("z", Nd4j.createFromArray(z));
    ops.name("all", VectorQuantizer.nearest(ops, vectors, ops.frozen("codes", codes)));
    ops.name("indices", VectorQuantizer.nearestOnGrid(ops, grid, vectors));
    try (CompiledGraph plan = CompiledGraph.of(ops.graph()).outputs("all", "indices").build()) {
      plan.run();
      int[] nearest = plan.output("indices").toIntVector();
      assertThat(nearest).isEqualTo(plan.output("all").toIntVector());
      for (int n = 0; n < N; n++) {
        for (int i = 0; i < 3; i++) {
          double rounded =
              Math.max(0, Math.min(3, Math.rint((z[n][i] + 1) * 1.5))) / 1.5 - 1; // level 0 to 3
          assertThat(rows[nearest[n]][i]).isCloseTo(rounded, TINY);
        }
      }
    }
  }

  @Test
  void vectorsThatAreNoNumbersLeadToCodesThatExist() {
    VectorQuantizer.Config grid = config(Learning.GRID, Similarity.EUCLIDEAN);
    double[][] z = random(5, N, D);
    z[3][1] = Double.NaN;
    z[4][0] = Double.POSITIVE_INFINITY;
    z[5][2] = Double.NEGATIVE_INFINITY;
    double[][] codes = VectorQuantizer.initialCodes(grid, DataType.DOUBLE).toDoubleMatrix();
    try (CompiledGraph plan = plan(grid, z, codes, "loss")) {
      plan.run();
      assertThat(IntStream.of(plan.output("indices").toIntVector()))
          .allMatch(code -> code >= 0 && code < K);
      assertThat(plan.output("loss").getDouble(0)).isNaN();
    }
  }

  @Test
  void impossibleSettingsAreNamed() {
    assertThatThrownBy(
            () ->
                new VectorQuantizer.Config(
                    60, 3, Learning.GRID, Similarity.EUCLIDEAN, 0.25, 0.99, 0))
        .hasMessage(
            "Cannot configure quantizer: codes=60, expected levels to the power of dimension=3, such as 64");
    assertThatThrownBy(
            () ->
                new VectorQuantizer.Config(
                    1 << 25, 25, Learning.GRID, Similarity.EUCLIDEAN, 0.25, 0.99, 0))
        .hasMessage("Cannot configure quantizer: codes=33554432, expected at most 16777216");
    assertThatThrownBy(
            () ->
                new VectorQuantizer.Config(64, 3, Learning.GRID, Similarity.COSINE, 0.25, 0.99, 0))
        .hasMessageContaining("similarity=COSINE, expected euclidean on a grid");
    assertThatThrownBy(
            () -> new VectorQuantizer.Config(1, 4, Learning.EMA, Similarity.COSINE, 0.25, 0.99, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot configure quantizer: codes=1, expected at least 2");
    assertThatThrownBy(
            () -> new VectorQuantizer.Config(8, 4, Learning.EMA, Similarity.COSINE, 0.25, 1, 0))
        .hasMessageContaining("decay=1.0, expected between 0 and 1");
  }
}
