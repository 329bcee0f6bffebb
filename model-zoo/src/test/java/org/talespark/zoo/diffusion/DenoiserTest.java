package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.diffusion.Denoisers.difference;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Interpreter;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.optim.Optimizer;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.runtime.OpenMp;

/** What holds of every denoiser. */
class DenoiserTest {
  private static int usualThreads;

  /** These networks are too small for two threads, which would wait for each other all the time. */
  @BeforeAll
  static void oneThread() {
    usualThreads = Nd4j.getEnvironment().maxMasterThreads();
    threads(1);
  }

  @AfterAll
  static void usualThreads() {
    threads(usualThreads);
  }

  private static void threads(int count) {
    Nd4j.getEnvironment().setMaxMasterThreads(count);
    OpenMp.threadsOfThisThread(count);
  }

  static Stream<DenoiserConfig> denoisers() {
    return Stream.of(Denoisers.uNet(5), Denoisers.uNet(0), Denoisers.dit(5), Denoisers.dit(0));
  }

  static Stream<DenoiserConfig> withText() {
    return Stream.of(Denoisers.uNet(5), Denoisers.dit(5));
  }

  private static Ops floats() {
    return new Ops(DataType.FLOAT);
  }

  private static Ops doubles() {
    return new Ops(DataType.DOUBLE);
  }

  @ParameterizedTest
  @MethodSource("denoisers")
  void thePredictionHasTheSamplesShape(DenoiserConfig config) {
    for (int side : new int[] {4, 6, 10}) {
      try (Denoisers model = new Denoisers(config, floats(), 3, side, 2)) {
        model.run(model.inputs(1));
        assertThat(model.prediction().shape()).containsExactly(3, 3, side, side);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("denoisers")
  void thePredictionBeginsAsZero(DenoiserConfig config) {
    try (Denoisers model = new Denoisers(config, floats(), 2, 4, 3)) {
      model.run(model.inputs(1));
      assertThat(model.prediction().amaxNumber().doubleValue()).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("denoisers")
  void gradientsOfParametersAndInputsEqualCentralDifferences(DenoiserConfig config) {
    try (Denoisers model = new Denoisers(config, doubles(), 2, 4, 3).moved()) {
      model.run(model.inputs(2));
      List<String> inputs = new ArrayList<>(List.of(Denoisers.SAMPLE, Denoisers.TIME));
      if (config.contextDimension() > 0) {
        inputs.add(Denoisers.TEXT);
      }
      GradientCheck.Result result = GradientCheck.check(model.plan, Denoisers.LOSS, inputs, 2);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-5);
    }
  }

  @ParameterizedTest
  @MethodSource("denoisers")
  void fusedOperationsGiveWhatPlainOnesGive(DenoiserConfig config) {
    try (Denoisers fused = new Denoisers(config, floats(), 3, 6, 4).moved();
        Denoisers plain = new Denoisers(config, new Ops(DataType.FLOAT, false), 3, 6, 4).moved()) {
      Map<String, INDArray> inputs = fused.inputs(3);
      fused.run(inputs);
      plain.run(inputs);
      assertThat(difference(fused.prediction(), plain.prediction())).isLessThan(2e-4);
      for (String name : plain.layers.names()) {
        INDArray expected = plain.plan.gradients().view(name);
        double error = difference(fused.plan.gradients().view(name), expected);
        double norm = expected.norm2Number().doubleValue();
        assertThat(error).as(name).isLessThan(1e-4 * (1 + norm));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("denoisers")
  void thePlanGivesTheBitsOfTheInterpreter(DenoiserConfig config) {
    Ops ops = new Ops(DataType.FLOAT, false);
    try (Denoisers model = new Denoisers(config, ops, 2, 6, 3).moved()) {
      Map<String, INDArray> inputs = model.inputs(4);
      model.run(inputs);
      model
          .plan
          .parameters()
          .views()
          .forEach((name, view) -> ops.graph().getVariable(name).setArray(view.dup()));
      Interpreter interpreter =
          new Interpreter(ops.graph(), List.of(Denoisers.LOSS), model.layers.names());
      Interpreter.Step step = interpreter.run(inputs, List.of(Denoisers.PREDICTION));
      INDArray expected = step.outputs().get(Denoisers.PREDICTION).castTo(DataType.DOUBLE);
      assertThat(difference(model.prediction(), expected)).isZero();
      assertThat(expected.norm2Number().doubleValue()).isPositive();
      assertThat(step.gradients()).hasSameSizeAs(model.layers.names());
      step.gradients()
          .forEach(
              (name, gradient) ->
                  assertThat(difference(model.plan.gradients().view(name), gradient))
                      .as(name)
                      .isZero());
    }
  }

  // --- text

  @ParameterizedTest
  @MethodSource("withText")
  void whateverThePaddingIsItChangesNothing(DenoiserConfig config) {
    for (Ops ops : List.of(floats(), doubles())) {
      try (Denoisers model = new Denoisers(config, ops, 2, 4, 3).moved()) {
        Map<String, INDArray> inputs = model.inputs(5);
        model.run(inputs);
        INDArray before = model.prediction();
        INDArray gradients = model.plan.gradients().flat().dup();
        for (int row = 1; row < 3; row++) { // of the first sample
          assertThat(model.plan.gradientOf(Denoisers.TEXT).getRow(row).amaxNumber().doubleValue())
              .isLessThan(1e-100); // zero for float
          inputs.get(Denoisers.TEXT).getRow(row).muli(-3).addi(7);
        }
        model.run(inputs);
        assertThat(difference(model.prediction(), before)).isZero();
        double tolerance = ops.type() == DataType.DOUBLE ? 1e-12 : 1e-5;
        assertThat(difference(model.plan.gradients().flat(), gradients)).isLessThan(tolerance);
        inputs.get(Denoisers.TEXT).getRow(0).addi(1); // a token that counts
        model.run(inputs);
        assertThat(difference(model.prediction(), before)).isPositive();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("withText")
  void aPaddedTextGivesWhatTheTightOneGives(DenoiserConfig config) {
    try (Denoisers tight = new Denoisers(config, doubles(), 1, 4, 2).moved();
        Denoisers padded = new Denoisers(config, doubles(), 1, 4, 5).moved()) {
      Map<String, INDArray> inputs = padded.inputs(6);
      inputs.get(Denoisers.MASK).putScalar(0, 1, 1); // two tokens count
      padded.run(inputs);
      Map<String, INDArray> others = tight.inputs(6);
      others.put(
          Denoisers.TEXT,
          inputs.get(Denoisers.TEXT).get(NDArrayIndex.interval(0, 2), NDArrayIndex.all()).dup());
      others.put(Denoisers.MASK, Nd4j.ones(DataType.DOUBLE, 1, 2));
      tight.run(others);
      assertThat(difference(padded.prediction(), tight.prediction())).isLessThan(1e-12);
      for (String name : tight.layers.names()) {
        assertThat(
                difference(padded.plan.gradients().view(name), tight.plan.gradients().view(name)))
            .as(name)
            .isLessThan(1e-12);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("denoisers")
  void samplesOfABatchDoNotMix(DenoiserConfig config) {
    try (Denoisers model = new Denoisers(config, doubles(), 2, 4, 3).moved()) {
      Map<String, INDArray> inputs = model.inputs(7);
      model.run(inputs);
      INDArray before = model.prediction();
      inputs.get(Denoisers.SAMPLE).get(NDArrayIndex.point(1)).addi(0.5);
      inputs.get(Denoisers.TIME).getRow(1).addi(0.5);
      model.run(inputs);
      INDArray after = model.prediction();
      assertThat(difference(slice(after, 0), slice(before, 0))).isLessThan(1e-12);
      assertThat(difference(slice(after, 1), slice(before, 1))).isGreaterThan(1e-3);
    }
  }

  private static INDArray slice(INDArray array, int sample) {
    return array.get(NDArrayIndex.point(sample)).dup();
  }

  @ParameterizedTest
  @MethodSource("denoisers")
  void theTimeMatters(DenoiserConfig config) {
    try (Denoisers model = new Denoisers(config, doubles(), 1, 4, 2).moved()) {
      Map<String, INDArray> inputs = model.inputs(8);
      model.run(inputs);
      INDArray before = model.prediction();
      inputs.get(Denoisers.TIME).addi(1);
      model.run(inputs);
      assertThat(difference(model.prediction(), before)).isGreaterThan(1e-3);
    }
  }

  @Test
  void aTextWithoutPlaceForItIsRefusedAndTheOtherWayRound() {
    for (DenoiserConfig config : List.of(Denoisers.uNet(0), Denoisers.dit(5))) {
      Ops ops = floats();
      DenoiserConfig.Context text =
          config.contextDimension() > 0
              ? null
              : new DenoiserConfig.Context(
                  ops.input("text", 2, 5), ops.input("mask", 1, 2), null, 2);
      assertThatThrownBy(
              () ->
                  config.build(
                      Layers.trainable(ops, 1),
                      ops.input("x", 1, 3, 4, 4),
                      ops.input("t", 1, config.timeFeatures()),
                      text,
                      1,
                      4))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("context_dimension=" + config.contextDimension());
    }
  }

  // --- training

  @ParameterizedTest
  @MethodSource("denoisers")
  void theSameSeedGivesTheSameBits(DenoiserConfig config) {
    INDArray[] predictions = new INDArray[2];
    for (int i = 0; i < 2; i++) {
      try (Denoisers model = new Denoisers(config, floats(), 2, 4, 3)) {
        train(model, 5);
        predictions[i] = model.prediction();
      }
    }
    assertThat(predictions[0].norm2Number().doubleValue()).isPositive();
    assertThat(difference(predictions[0], predictions[1])).isZero();
  }

  @ParameterizedTest
  @MethodSource("denoisers")
  void oneBatchIsOverfitted(DenoiserConfig config) {
    try (Denoisers model = new Denoisers(config, floats(), 2, 4, 3)) {
      double first = train(model, 1);
      double last = train(model, 120);
      assertThat(last).isLessThan(0.1 * first);
    }
  }

  /** The loss of the last of some steps. */
  private static double train(Denoisers model, int steps) {
    Optimizer optimizer =
        new OptimizerConfig.Adam(0.9, 0.99, 1e-8)
            .create(model.plan.parameters().layout(), DataType.FLOAT);
    Map<String, INDArray> inputs = model.inputs(9);
    for (int step = 0; step < steps; step++) {
      model.run(inputs);
      optimizer.update(model.plan.parameters().flat(), model.plan.gradients().flat(), 0.02);
    }
    return model.loss();
  }
}
