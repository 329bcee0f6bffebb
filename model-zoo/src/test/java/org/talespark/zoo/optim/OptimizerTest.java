package org.talespark.zoo.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.zoo.graph.ParameterLayout;

class OptimizerTest {
  /** Odd sizes: runs that end inside blocks, blocks that end inside runs. */
  private static final ParameterLayout LAYOUT = layout();

  private static final int LENGTH = (int) LAYOUT.length();
  private static final double RATE = 3e-3;

  private static ParameterLayout layout() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("gain", new long[] {});
    shapes.put("kernel", new long[] {5, 7, 3, 101});
    shapes.put("bias", new long[] {101});
    shapes.put("none", new long[] {0, 4});
    shapes.put("embedding", new long[] {97, 31});
    shapes.put("table", new long[] {33, 3});
    shapes.put("norm", new long[] {4001});
    return ParameterLayout.of(shapes);
  }

  static Stream<OptimizerConfig> elementwise() {
    return Stream.of(
        new OptimizerConfig.AdamW(0.9, 0.999, 1e-8, 0.1),
        new OptimizerConfig.AdamW(0.5, 0.9, 1e-3, 0),
        new OptimizerConfig.Adam(0.9, 0.99, 1e-8),
        new OptimizerConfig.Sgd(0, false, 0.1),
        new OptimizerConfig.Sgd(0.9, false, 0.01),
        new OptimizerConfig.Sgd(0.9, true, 0.01),
        new OptimizerConfig.Lion(0.9, 0.99, 0.1));
  }

  private static Stream<Arguments> withTypes(Stream<OptimizerConfig> configs) {
    return configs.flatMap(
        config ->
            Stream.of(Arguments.of(config, DataType.FLOAT), Arguments.of(config, DataType.DOUBLE)));
  }

  static Stream<Arguments> elementwiseAndTypes() {
    return withTypes(elementwise());
  }

  static Stream<Arguments> configsAndTypes() {
    Stream<OptimizerConfig> muons =
        Stream.of(1, 3)
            .map(
                every ->
                    new OptimizerConfig.Muon(
                        0.95, 0.2, 0.1, 0.9, 0.99, 1e-8, List.of("embedding"), every));
    return withTypes(Stream.concat(elementwise(), muons));
  }

  /** One parameter at a time, in double precision, as PyTorch's documentation states it. */
  private static final class Reference {
    private final OptimizerConfig config;
    private final double[] first = new double[LENGTH];
    private final double[] second = new double[LENGTH];
    private int step;
    private double power1;
    private double power2;

    Reference(OptimizerConfig config) {
      this.config = config;
    }

    void update(double[] p, double[] g, double lr) {
      step++;
      if (config instanceof OptimizerConfig.AdamW c) {
        power1 = Math.pow(c.beta1(), step);
        power2 = Math.pow(c.beta2(), step);
      } else if (config instanceof OptimizerConfig.Adam c) {
        power1 = Math.pow(c.beta1(), step);
        power2 = Math.pow(c.beta2(), step);
      }
      for (ParameterLayout.Slot slot : LAYOUT.slots()) {
        boolean decays = slot.shape().size() > 1;
        for (int i = (int) slot.offset(); i < slot.end(); i++) {
          p[i] = one(i, p[i], g[i], lr, decays);
        }
      }
    }

    private double one(int i, double p, double g, double lr, boolean decays) {
      if (config instanceof OptimizerConfig.AdamW c) {
        double kept = decays ? p - lr * c.weightDecay() * p : p;
        return adam(i, kept, g, lr, c.beta1(), c.beta2(), c.eps());
      } else if (config instanceof OptimizerConfig.Adam c) {
        return adam(i, p, g, lr, c.beta1(), c.beta2(), c.eps());
      } else if (config instanceof OptimizerConfig.Sgd c) {
        double d = g + (decays ? c.weightDecay() * p : 0);
        if (c.momentum() == 0) {
          return p - lr * d;
        }
        first[i] = step == 1 ? d : c.momentum() * first[i] + d;
        return p - lr * (c.nesterov() ? d + c.momentum() * first[i] : first[i]);
      } else if (config instanceof OptimizerConfig.Lion c) {
        double kept = decays ? p - lr * c.weightDecay() * p : p;
        double sign = Math.signum(c.beta1() * first[i] + (1 - c.beta1()) * g);
        first[i] = c.beta2() * first[i] + (1 - c.beta2()) * g;
        return kept - lr * sign;
      }
      throw new AssertionError(config);
    }

    private double adam(
        int i, double p, double g, double lr, double beta1, double beta2, double eps) {
      first[i] = beta1 * first[i] + (1 - beta1) * g;
      second[i] = beta2 * second[i] + (1 - beta2) * g * g;
      double mean = first[i] / (1 - power1);
      double square = second[i] / (1 - power2);
      return p - lr * mean / (Math.sqrt(square) + eps);
    }
  }

  private static double[] random(SplittableRandom random, double scale) {
    double[] values = new double[LENGTH];
    for (int i = 0; i < LENGTH; i++) {
      values[i] = (float) (scale * (4 * random.nextDouble() - 2)); // the same in both precisions
    }
    return values;
  }

  private static INDArray array(double[] values, DataType type) {
    if (type == DataType.DOUBLE) {
      return Nd4j.createFromArray(values);
    }
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return Nd4j.createFromArray(floats);
  }

  @ParameterizedTest
  @MethodSource("elementwiseAndTypes")
  void agreesWithAScalarReferenceOverFiftySteps(OptimizerConfig config, DataType type) {
    SplittableRandom random = new SplittableRandom(7);
    double[] expected = random(random, 0.2);
    INDArray parameters = array(expected, type);
    Optimizer optimizer = config.create(LAYOUT, type);
    Reference reference = new Reference(config);
    for (int step = 0; step < 50; step++) {
      double[] gradients = random(random, Math.pow(10, step % 5 - 3));
      double rate = (float) (RATE * (1 - step / 100.0));
      INDArray given = array(gradients, type);
      optimizer.update(parameters, given, rate);
      reference.update(expected, gradients, rate);
      assertThat(bits(given)).as("gradients are left alone").isEqualTo(gradients);
    }
    assertThat(optimizer.steps()).isEqualTo(50);
    double tolerance = type == DataType.FLOAT ? 1e-6 : 1e-12;
    double[] actual = bits(parameters);
    double worst = 0;
    for (int i = 0; i < LENGTH; i++) {
      double error = Math.abs(actual[i] - expected[i]) / (1 + Math.abs(expected[i]));
      worst = Double.isNaN(error) ? error : Math.max(worst, error);
    }
    assertThat(worst).isLessThanOrEqualTo(tolerance);
  }

  @Test
  void firstStepsOfAdamAreThoseOfTheFormula() {
    ParameterLayout one = ParameterLayout.of(Map.of("w", new long[] {1, 1}));
    INDArray w = Nd4j.createFromArray(1.0);
    Optimizer adamw =
        new OptimizerConfig.AdamW(0.9, 0.999, 1e-8, 0.01).create(one, DataType.DOUBLE);
    adamw.update(w, Nd4j.createFromArray(0.5), 0.1);
    // corrected averages are the gradient and its square: a step of the rate, after decay by 0.001
    assertThat(w.getDouble(0)).isCloseTo(0.999 - 0.1 * 0.5 / (0.5 + 1e-8), within(1e-15));
    INDArray epsilonOutside = Nd4j.createFromArray(1.0);
    new OptimizerConfig.Adam(0.9, 0.999, 0.5)
        .create(one, DataType.DOUBLE)
        .update(epsilonOutside, Nd4j.createFromArray(0.5), 0.1);
    assertThat(epsilonOutside.getDouble(0)).isCloseTo(0.95, within(1e-15));
  }

  @ParameterizedTest
  @MethodSource("configsAndTypes")
  void decaysOnlyParametersOfTwoOrMoreDimensions(OptimizerConfig config, DataType type) {
    INDArray parameters = Nd4j.ones(type, LENGTH);
    config.create(LAYOUT, type).update(parameters, Nd4j.create(type, LENGTH), 0.5);
    boolean decaying =
        (config instanceof OptimizerConfig.AdamW a && a.weightDecay() > 0)
            || config instanceof OptimizerConfig.Sgd
            || config instanceof OptimizerConfig.Muon
            || config instanceof OptimizerConfig.Lion;
    double[] values = bits(parameters);
    for (ParameterLayout.Slot slot : LAYOUT.slots()) {
      double[] part = Arrays.copyOfRange(values, (int) slot.offset(), (int) slot.end());
      if (decaying && slot.shape().size() > 1) {
        assertThat(Arrays.stream(part)).as(slot.name()).allMatch(value -> value < 1);
      } else {
        assertThat(Arrays.stream(part)).as(slot.name()).allMatch(value -> value == 1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("configsAndTypes")
  void continuesFromSavedStateBitForBit(OptimizerConfig config, DataType type) {
    SplittableRandom random = new SplittableRandom(3);
    INDArray parameters = array(random(random, 0.2), type);
    INDArray[] gradients = new INDArray[10];
    for (int i = 0; i < gradients.length; i++) {
      gradients[i] = array(random(random, 0.1), type);
    }
    Optimizer uninterrupted = config.create(LAYOUT, type);
    INDArray saved = null;
    Map<String, INDArray> savedState = new LinkedHashMap<>();
    for (int i = 0; i < 10; i++) {
      if (i == 5) {
        saved = parameters.dup();
        uninterrupted.state().forEach((name, array) -> savedState.put(name, array.dup()));
      }
      uninterrupted.update(parameters, gradients[i], RATE);
    }
    Optimizer resumed = config.create(LAYOUT, type);
    resumed.update(Nd4j.ones(type, LENGTH), gradients[9], RATE); // state that must go
    resumed.restore(5, savedState);
    for (int i = 5; i < 10; i++) {
      resumed.update(saved, gradients[i], RATE);
    }
    assertThat(bits(saved)).isEqualTo(bits(parameters));
    assertThat(resumed.steps()).isEqualTo(10);
    uninterrupted
        .state()
        .forEach(
            (name, array) -> assertThat(bits(resumed.state().get(name))).isEqualTo(bits(array)));
  }

  private static double[] bits(INDArray array) {
    if (array.dataType() == DataType.DOUBLE) {
      return array.toDoubleVector();
    }
    float[] floats = array.toFloatVector();
    double[] doubles = new double[floats.length];
    for (int i = 0; i < doubles.length; i++) {
      doubles[i] = floats[i];
    }
    return doubles;
  }

  @ParameterizedTest
  @MethodSource("configsAndTypes")
  void findsTheBottomOfAQuadratic(OptimizerConfig config, DataType type) {
    ParameterLayout vector = ParameterLayout.of(Map.of("x", new long[] {64}));
    INDArray goal = array(new Random(1).doubles(64).toArray(), type);
    INDArray x = Nd4j.create(type, 64);
    INDArray gradient = Nd4j.create(type, 64);
    Optimizer optimizer = config.create(vector, type);
    for (int step = 0; step < 400; step++) {
      x.subi(goal, gradient);
      optimizer.update(x, gradient, 0.05 * (1 - step / 400.0));
    }
    assertThat(x.distance2(goal)).isLessThan(5e-2);
  }

  @Test
  void worksOnViewsOfLargerArrays() {
    INDArray all = Nd4j.ones(DataType.FLOAT, 3L * LENGTH);
    INDArray view = all.get(NDArrayIndex.interval(LENGTH, 2L * LENGTH));
    new OptimizerConfig.Sgd(0, false, 0)
        .create(LAYOUT, DataType.FLOAT)
        .update(view, Nd4j.ones(DataType.FLOAT, LENGTH), 0.25);
    assertThat(all.getFloat(LENGTH - 1)).isEqualTo(1);
    assertThat(all.getFloat(LENGTH)).isEqualTo(0.75f);
    assertThat(all.getFloat(2L * LENGTH - 1)).isEqualTo(0.75f);
    assertThat(all.getFloat(2L * LENGTH)).isEqualTo(1);
  }

  @ParameterizedTest
  @MethodSource("configsAndTypes")
  void updatesAllocateNothing(OptimizerConfig config, DataType type) {
    INDArray parameters = Nd4j.ones(type, LENGTH);
    INDArray gradients = Nd4j.ones(type, LENGTH);
    Optimizer optimizer = config.create(LAYOUT, type);
    optimizer.update(parameters, gradients, RATE);
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long natives = Pointer.totalBytes();
    long least = Long.MAX_VALUE; // the compiler may charge this thread once
    for (int i = 0; i < 5; i++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      optimizer.update(parameters, gradients, RATE);
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertThat(least).isLessThan(128);
    assertThat(Pointer.totalBytes()).isLessThanOrEqualTo(natives);
  }

  @Test
  void signIsThatOfEveryFloat() {
    for (float x :
        new float[] {0f, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, 1e-20f, -3f, Float.MAX_VALUE}) {
      assertThat(LionOptimizer.sign(x)).isEqualTo(Math.signum(x));
    }
    assertThat(LionOptimizer.sign(Float.NEGATIVE_INFINITY)).isEqualTo(-1);
    assertThat(LionOptimizer.sign(Float.NaN)).isNaN();
  }

  @Test
  void refusesArraysAndRatesThatDoNotFit() {
    Optimizer optimizer = new OptimizerConfig.Adam(0.9, 0.999, 1e-8).create(LAYOUT, DataType.FLOAT);
    INDArray good = Nd4j.create(DataType.FLOAT, LENGTH);
    assertThatThrownBy(() -> optimizer.update(Nd4j.create(DataType.FLOAT, 3), good, RATE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("parameters type=FLOAT length=3");
    assertThatThrownBy(() -> optimizer.update(good, Nd4j.create(DataType.DOUBLE, LENGTH), RATE))
        .hasMessageContaining("gradients type=DOUBLE");
    assertThatThrownBy(() -> optimizer.update(good.reshape(1, LENGTH), good, RATE))
        .hasMessageContaining("rank 1");
    for (double rate : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> optimizer.update(good, good, rate))
          .hasMessageContaining("learning_rate=" + rate);
    }
    assertThat(optimizer.steps()).isZero();
    assertThatThrownBy(() -> optimizer.restore(1, Map.of()))
        .hasMessageContaining("expected steps >= 0 and state=[exp_avg, exp_avg_sq]");
    assertThatThrownBy(
            () ->
                optimizer.restore(
                    1, Map.of("exp_avg", good, "exp_avg_sq", Nd4j.create(DataType.FLOAT, 1))))
        .hasMessageContaining("state=exp_avg_sq rank=1 length=1");
    assertThatThrownBy(
            () ->
                new OptimizerConfig.Adam(0.9, 0.999, 1e-8)
                    .create(ParameterLayout.of(Map.of()), DataType.FLOAT))
        .hasMessageContaining("parameters=0");
    assertThatThrownBy(
            () -> new OptimizerConfig.Adam(0.9, 0.999, 1e-8).create(LAYOUT, DataType.INT32))
        .hasMessageContaining("type=INT");
  }
}
