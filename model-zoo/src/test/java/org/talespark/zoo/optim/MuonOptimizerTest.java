package org.talespark.zoo.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.eigen.Eigen;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.zoo.graph.ParameterLayout;
import org.talespark.zoo.train.InProcessWorkers;

class MuonOptimizerTest {
  private static final double MOMENTUM = 0.9;
  private static final OptimizerConfig.Muon CONFIG = config(1);

  private static OptimizerConfig.Muon config(int every) {
    return new OptimizerConfig.Muon(
        MOMENTUM, 0.2, 0.1, 0.9, 0.99, 1e-8, List.of("embedding"), every);
  }

  private static final ParameterLayout LAYOUT = layout();

  private static ParameterLayout layout() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("norm", new long[] {37});
    shapes.put("wide", new long[] {24, 5, 9, 9});
    shapes.put("embedding", new long[] {19, 24});
    shapes.put("tall", new long[] {96, 24});
    shapes.put("row", new long[] {1, 24});
    shapes.put("square", new long[] {33, 33});
    shapes.put("scalar", new long[] {});
    return ParameterLayout.of(shapes);
  }

  private static INDArray random(DataType type, long seed) {
    return random(seed, LAYOUT.length()).castTo(type);
  }

  private static INDArray random(long seed, long length) {
    return Nd4j.createFromArray(new Random(seed).doubles(length, -0.5, 0.5).toArray());
  }

  private static INDArray slot(INDArray flat, String name) {
    ParameterLayout.Slot slot = LAYOUT.slot(name);
    long rows = slot.shape().get(0);
    return flat.get(NDArrayIndex.interval(slot.offset(), slot.end()))
        .reshape(rows, slot.length() / rows)
        .castTo(DataType.DOUBLE)
        .dup();
  }

  /** The iteration as the paper writes it, with whole matrices. */
  private static INDArray orthogonal(INDArray matrix) {
    INDArray x = matrix.div(matrix.norm2Number().doubleValue());
    for (int step = 0; step < 5; step++) {
      INDArray gram = x.mmul(x.transpose());
      INDArray factor = gram.mul(-4.7750).addi(gram.mmul(gram).muli(2.0315));
      x = x.mul(3.4445).addi(factor.mmul(x));
    }
    return x;
  }

  @ParameterizedTest
  @CsvSource({"FLOAT, 1", "DOUBLE, 1", "FLOAT, 3", "DOUBLE, 3"})
  void matricesMoveAlongTheLatestOrthogonalMatrixOfTheirMomentum(DataType type, int every) {
    INDArray parameters = random(type, 1);
    Optimizer optimizer = config(every).create(LAYOUT, type);
    Map<String, INDArray> expected = new LinkedHashMap<>();
    Map<String, INDArray> momentum = new LinkedHashMap<>();
    Map<String, INDArray> direction = new LinkedHashMap<>();
    for (String name : List.of("wide", "tall", "square")) {
      expected.put(name, slot(parameters, name));
      momentum.put(name, expected.get(name).like());
    }
    double rate = 0.02;
    for (int step = 0; step < 5; step++) {
      INDArray gradients = random(type, 10 + step);
      optimizer.update(parameters, gradients, rate);
      boolean due = step % every == 0;
      expected.forEach(
          (name, p) -> {
            INDArray g = slot(gradients, name);
            INDArray m = momentum.get(name).muli(MOMENTUM).addi(g.mul(1 - MOMENTUM));
            INDArray ahead = g.mul(1 - MOMENTUM).addi(m.mul(MOMENTUM));
            if (due) {
              direction.put(name, orthogonal(ahead));
            }
            double longer = Math.max(p.rows(), p.columns());
            p.muli(1 - rate * 0.1).subi(direction.get(name).mul(rate * 0.2 * Math.sqrt(longer)));
          });
    }
    expected.forEach(
        (name, p) ->
            assertThat(slot(parameters, name).sub(p).amaxNumber().doubleValue())
                .as(name)
                .isLessThan(type == DataType.FLOAT ? 2e-5 : 1e-10));
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT", "DOUBLE"})
  void whatIsNoMatrixMovesAsAdamWs(DataType type) {
    INDArray parameters = random(type, 2);
    INDArray withAdam = parameters.dup();
    Optimizer muon = CONFIG.create(LAYOUT, type);
    Optimizer adam = new OptimizerConfig.AdamW(0.9, 0.99, 1e-8, 0.1).create(LAYOUT, type);
    for (int step = 0; step < 4; step++) {
      INDArray gradients = random(type, 20 + step);
      muon.update(parameters, gradients, 0.01);
      adam.update(withAdam, gradients, 0.01);
    }
    for (ParameterLayout.Slot slot : LAYOUT.slots()) {
      INDArray mine = parameters.get(NDArrayIndex.interval(slot.offset(), slot.end()));
      INDArray its = withAdam.get(NDArrayIndex.interval(slot.offset(), slot.end()));
      boolean matrix = List.of("wide", "tall", "square").contains(slot.name());
      assertThat(mine.equals(its)).as(slot.name()).isEqualTo(!matrix);
    }
  }

  @ParameterizedTest
  @CsvSource({"24, 405", "405, 24", "64, 64"})
  void singularValuesComeToAboutOne(int rows, int columns) {
    NewtonSchulz newtonSchulz = new NewtonSchulz(DataType.DOUBLE, 24L * 405, 64);
    double[] block = new double[FlatArray.BLOCK];
    INDArray matrix = random(5, (long) rows * columns);
    FlatArray source = FlatArray.of("source", matrix);
    for (long at = 0; at < matrix.length(); at += FlatArray.BLOCK) {
      source.read(at, block, source.blockLength(at));
      newtonSchulz.values().write(at, block, source.blockLength(at));
    }
    newtonSchulz.orthogonalize(rows, columns);
    for (long at = 0; at < matrix.length(); at += FlatArray.BLOCK) {
      newtonSchulz.values().read(at, block, source.blockLength(at));
      source.write(at, block, source.blockLength(at));
    }
    INDArray result = matrix.reshape(rows, columns);
    INDArray gram =
        rows < columns ? result.mmul(result.transpose()) : result.transpose().mmul(result);
    // the squares of the singular values
    INDArray eigenvalues = Eigen.symmetricGeneralizedEigenvalues(gram.dup());
    assertThat(eigenvalues.meanNumber().doubleValue()).isBetween(0.49, 1.45);
    assertThat(eigenvalues.maxNumber().doubleValue()).isLessThan(1.5);
    if (rows != columns) { // random squares have singular values near 0
      assertThat(eigenvalues.minNumber().doubleValue()).isGreaterThan(0.4);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void peersThatShareTheWorkUpdateAsOneAlone(int every) throws Exception {
    INDArray alone = random(DataType.FLOAT, 3);
    Optimizer one = config(every).create(LAYOUT, DataType.FLOAT);
    for (int step = 0; step < 3; step++) {
      one.update(alone, random(DataType.FLOAT, 30 + step), 0.01);
    }
    List<INDArray> shared =
        new InProcessWorkers(3)
            .run(
                reducer -> {
                  INDArray parameters = random(DataType.FLOAT, 3);
                  Optimizer optimizer = config(every).create(LAYOUT, DataType.FLOAT, reducer);
                  for (int step = 0; step < 3; step++) {
                    optimizer.update(parameters, random(DataType.FLOAT, 30 + step), 0.01);
                  }
                  return parameters;
                });
    assertThat(shared).allMatch(parameters -> parameters.equalsWithEps(alone, 0));
  }

  @Test
  void aFailedSumUpdatesNothing() {
    INDArray parameters = random(DataType.FLOAT, 4);
    INDArray before = parameters.dup();
    Peers failing =
        new Peers() {
          @Override
          public int rank() {
            return 1;
          }

          @Override
          public int workers() {
            return 2;
          }

          @Override
          public void sum(INDArray flat) {
            throw new IllegalStateException("a peer is gone");
          }
        };
    Optimizer optimizer = CONFIG.create(LAYOUT, DataType.FLOAT, failing);
    assertThatThrownBy(() -> optimizer.update(parameters, random(DataType.FLOAT, 5), 0.01))
        .hasMessage("a peer is gone");
    assertThat(parameters.equalsWithEps(before, 0)).isTrue();
    assertThat(optimizer.state().get("exp_avg").amaxNumber().doubleValue()).isZero();
    assertThat(optimizer.steps()).isZero();
  }

  @Test
  void updatesAreAsLargeAsTheConfiguredShareOfTheRate() {
    ParameterLayout one = ParameterLayout.of(Map.of("w", new long[] {64, 256}));
    INDArray w = Nd4j.create(DataType.DOUBLE, 64 * 256);
    INDArray gradient = random(6, 64 * 256);
    new OptimizerConfig.Muon(0.95, 0.2, 0, 0.9, 0.99, 1e-8, List.of(), 1)
        .create(one, DataType.DOUBLE)
        .update(w, gradient, 0.5);
    double rms = w.norm2Number().doubleValue() / Math.sqrt((double) w.length());
    // singular values between 0.7 and 1.2, over the longer side
    assertThat(rms).isCloseTo(0.5 * 0.2, within(0.035));
  }

  @Test
  void matricesWithoutGradientStayButForDecay() {
    INDArray parameters = random(DataType.FLOAT, 7);
    INDArray before = slot(parameters, "wide");
    CONFIG.create(LAYOUT, DataType.FLOAT).update(parameters, parameters.like(), 0.5);
    assertThat(slot(parameters, "wide").equalsWithEps(before.mul(0.95), 1e-6)).isTrue();
  }
}
