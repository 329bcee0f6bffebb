package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

final class ScaleEquivarianceTest {
  private static final int SIDE = Fixtures.SIZE / 2;
  private static final int HALF = SIDE / 2;
  private static final int DIMENSION = 4;

  private static final VqLearnerConfig CONFIG = Fixtures.full(VectorQuantizer.Learning.EMA);

  private static final String VECTORS = "vectors";
  private static final String LOSS = "loss";

  /** The same without absolute differences, whose kinks would spoil numerical gradients. */
  private static final VqLearnerConfig SMOOTH =
      new VqLearnerConfig(
          CONFIG.model(),
          CONFIG.optimizer(),
          CONFIG.schedule(),
          0,
          CONFIG.l2Weight(),
          CONFIG.quantizerWeight(),
          CONFIG.equivarianceWeight(),
          null,
          null,
          CONFIG.clipNorm(),
          CONFIG.emaDecay());

  private static CompiledGraph plan(VqLearnerConfig config) {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, 3);
    VqModel model = config.model().build(layers, 1, Fixtures.SIZE);
    ops.name(VECTORS, model.quantizer().vectors());
    ops.name(LOSS, ScaleEquivariance.loss(config, layers, model, 1, Fixtures.SIZE));
    String codebook = config.model().codebook(); // nothing that is quantised counts
    CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input(VqModel.PICTURES, 1, 3, Fixtures.SIZE, Fixtures.SIZE)
            .outputs(VECTORS)
            .losses(LOSS)
            .train(layers.names().stream().filter(name -> !name.equals(codebook)).toList())
            .build();
    plan.input(VqModel.PICTURES).assign(pictures());
    return plan;
  }

  private static INDArray pictures() {
    double[] values = new Random(5).doubles(3L * Fixtures.SIZE * Fixtures.SIZE, -1, 1).toArray();
    return Nd4j.createFromArray(values).reshape(1, 3, Fixtures.SIZE, Fixtures.SIZE);
  }

  /** Means of two by two: [C, S, S] to [C, S / 2, S / 2]. */
  private static INDArray halved(INDArray x) {
    long side = x.size(1) / 2;
    return x.reshape(x.size(0), side, 2, side, 2).mean(2, 4);
  }

  @Test
  void isTheErrorOfThePictureThatAveragedLatentsDecodeTo() {
    try (CompiledGraph plan = plan(CONFIG)) {
      plan.run();
      double loss = plan.output(LOSS).getDouble(0);
      VqModelConfig shape = CONFIG.model();
      Ops ops = new Ops(DataType.DOUBLE);
      Layers layers = Layers.bound(ops);
      SDVariable grid = ops.input("grid", 1, DIMENSION, HALF, HALF);
      ops.name("decoded", shape.decode(layers, grid, 1, HALF));
      CompiledGraph.Builder builder =
          CompiledGraph.of(ops.graph())
              .input("grid", 1, DIMENSION, HALF, HALF)
              .bind(plan.parameters())
              .outputs("decoded");
      try (CompiledGraph decoder = builder.build()) {
        INDArray vectors = latents(plan);
        decoder.input("grid").assign(halved(vectors).reshape(1, DIMENSION, HALF, HALF));
        decoder.run();
        INDArray wanted = halved(pictures().reshape(3, Fixtures.SIZE, Fixtures.SIZE));
        INDArray difference = decoder.output("decoded").reshape(wanted.shape()).sub(wanted);
        double l1 = difference.norm1Number().doubleValue() / wanted.length();
        double l2 = difference.mul(difference).meanNumber().doubleValue();
        double expected =
            CONFIG.equivarianceWeight() * (CONFIG.l1Weight() * l1 + CONFIG.l2Weight() * l2);
        assertThat(loss).isCloseTo(expected, Offset.offset(1e-12));
      }
    }
  }

  @Test
  void itsGradientsReachEncoderAndDecoder() {
    try (CompiledGraph plan = plan(SMOOTH)) {
      plan.run();
      for (String name : List.of("encoder.conv_in.weight", "decoder.conv_in.weight")) {
        assertThat(plan.gradients().view(name).norm2Number().doubleValue())
            .as(name)
            .isGreaterThan(1e-4);
      }
      GradientCheck.Result result = GradientCheck.check(plan, LOSS, List.of(), 2);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-5);
    }
  }

  @Test
  void latentsThatCannotBeHalvedAreRefused() {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, 3);
    int size = 6;
    VqModel model = CONFIG.model().build(layers, 1, size);
    assertThatThrownBy(() -> ScaleEquivariance.loss(CONFIG, layers, model, 1, size))
        .hasMessageContaining("data.size=6, expected a multiple of 4");
  }

  /** [D, S, S]. */
  private static INDArray latents(CompiledGraph plan) {
    INDArray vectors = plan.output(VECTORS); // [S * S, D]
    return vectors.reshape(SIDE, SIDE, DIMENSION).permute(2, 0, 1).dup('c');
  }
}
