package org.talespark.zoo.fusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.Normal;

class FusionEncoderTest {
  private static final int BATCH = 2;
  private static final int TEXTS = 3;
  private static final int LENGTH = 5;
  private static final int TOKENS = 4;
  private static final int TEXT_WIDTH = 8;
  private static final int PICTURE_WIDTH = 6;
  private static final int HEADS = 2;
  private static final double EPSILON = 1e-5;

  /** Tokens of each text that are no padding. */
  private static final int[] REAL = {5, 1, 3, 2, 5, 4};

  private static FusionEncoder.Config config(FusionEncoder.Direction direction) {
    return new FusionEncoder.Config(2, HEADS, 7, direction, EPSILON, null);
  }

  private static CompiledGraph plan(
      FusionEncoder.Direction direction, DataType type, boolean readsPictures) {
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, 3);
    int rows = BATCH * TEXTS * LENGTH;
    FusionEncoder.Handles handles =
        FusionEncoder.build(
            config(direction),
            layers,
            new FusionEncoder.Inputs(
                ops.input("texts", rows, TEXT_WIDTH),
                TEXT_WIDTH,
                ops.input("mask", BATCH * TEXTS, LENGTH),
                ops.input("pictures", BATCH * TOKENS, PICTURE_WIDTH),
                PICTURE_WIDTH,
                new FusionEncoder.Shape(BATCH, TEXTS, LENGTH, TOKENS)),
            readsPictures);
    SDVariable loss = pull(ops, "texts", handles.texts(), textFactors(type));
    if (readsPictures) {
      int copies = direction == FusionEncoder.Direction.BOTH ? TEXTS : 1;
      long[] shape = {(long) BATCH * copies * TOKENS, PICTURE_WIDTH};
      INDArray factors = Normal.fill(4, "of pictures", 1, shape, type);
      loss = loss.add(pull(ops, "pictures", handles.pictures(), factors));
    }
    ops.name("loss", loss);
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph())
            .input("texts", rows, TEXT_WIDTH)
            .input("mask", BATCH * TEXTS, LENGTH)
            .input("pictures", BATCH * TOKENS, PICTURE_WIDTH)
            .outputs("texts_out")
            .train(layers.names())
            .losses("loss")
            .gradientOf("texts")
            .gradientOf("pictures");
    CompiledGraph plan = (readsPictures ? builder.outputs("pictures_out") : builder).build();
    // norms begin at one and biases at zero, which would hide a gain or bias that is not used
    plan.parameters()
        .views()
        .forEach((name, view) -> view.addi(Normal.fill(9, name, 0.2, view.shape(), type)));
    for (String input : List.of("texts", "pictures")) {
      INDArray array = plan.input(input);
      array.assign(Normal.fill(5, input, 1, array.shape(), type));
    }
    float[] mask = new float[BATCH * TEXTS * LENGTH];
    for (int r = 0; r < REAL.length; r++) {
      Arrays.fill(mask, r * LENGTH, r * LENGTH + REAL[r], 1);
    }
    plan.fill("mask", mask);
    return plan;
  }

  private static SDVariable pull(Ops ops, String name, SDVariable states, INDArray factors) {
    return ops.name(name + "_out", states).mul(ops.frozen(name + "_factors", factors)).sum();
  }

  /** What a padded token becomes is read by nobody. */
  private static INDArray textFactors(DataType type) {
    long[] shape = {BATCH * TEXTS * LENGTH, TEXT_WIDTH};
    INDArray factors = Normal.fill(4, "of texts", 1, shape, type);
    for (int row : padded()) {
      factors.getRow(row).assign(0);
    }
    return factors;
  }

  /** Rows of padding among those of all texts. */
  private static int[] padded() {
    return IntStream.range(0, BATCH * TEXTS * LENGTH)
        .filter(row -> row % LENGTH >= REAL[row / LENGTH])
        .toArray();
  }

  private static double[][] rows(INDArray all, int sample, int each) {
    return Arrays.copyOfRange(
        all.castTo(DataType.DOUBLE).toDoubleMatrix(), sample * each, (sample + 1) * each);
  }

  // --- values

  /** States of one text and its picture, layer by layer in plain loops, without padding. */
  private static double[][][] reference(
      PlainLoops loops, FusionEncoder.Direction direction, double[][] text, double[][] picture) {
    double[][] x = text;
    double[][] v = loops.norm("fusion.picture_layer_norm", picture, EPSILON);
    for (int layer = 0; layer < 2; layer++) {
      String name = "fusion.layers.%d.".formatted(layer);
      double[][] before = x;
      x = stream(loops, name + "text.", x, v);
      if (direction == FusionEncoder.Direction.BOTH) {
        v = stream(loops, name + "picture.", v, before);
      }
    }
    x = loops.norm("fusion.text_final_layer_norm", x, EPSILON);
    return new double[][][] {
      x,
      direction == FusionEncoder.Direction.BOTH
          ? loops.norm("fusion.picture_final_layer_norm", v, EPSILON)
          : v
    };
  }

  private static double[][] stream(PlainLoops loops, String name, double[][] x, double[][] other) {
    double[][] u = loops.norm(name + "layer_norm1", x, EPSILON);
    double[][] h = PlainLoops.sum(x, loops.attention(name + "self_attn.", u, u, u.length, HEADS));
    u = loops.norm(name + "layer_norm2", h, EPSILON);
    h = PlainLoops.sum(h, loops.attention(name + "cross_attn.", u, other, other.length, HEADS));
    u = loops.norm(name + "layer_norm3", h, EPSILON);
    return PlainLoops.sum(h, loops.feedForward(name + "mlp.", u));
  }

  @ParameterizedTest
  @CsvSource({
    "TEXT, DOUBLE, 1e-12",
    "BOTH, DOUBLE, 1e-12",
    "TEXT, FLOAT, 1e-4",
    "BOTH, FLOAT, 1e-4"
  })
  void everyTextAndItsPictureBecomeWhatTheyDoAloneInPlainLoops(
      FusionEncoder.Direction direction, DataType type, double tolerance) {
    try (CompiledGraph plan = plan(direction, type, true)) {
      plan.run();
      PlainLoops loops = new PlainLoops(plan.parameters().views());
      for (int r = 0; r < BATCH * TEXTS; r++) {
        double[][] text = Arrays.copyOf(rows(plan.input("texts"), r, LENGTH), REAL[r]);
        double[][] picture = rows(plan.input("pictures"), r / TEXTS, TOKENS);
        double[][][] expected = reference(loops, direction, text, picture);
        double[][] texts = rows(plan.output("texts_out"), r, LENGTH);
        for (int n = 0; n < REAL[r]; n++) {
          assertThat(texts[n]).containsExactly(expected[0][n], Offset.offset(tolerance));
        }
        boolean copies = direction == FusionEncoder.Direction.BOTH;
        double[][] pictures = rows(plan.output("pictures_out"), copies ? r : r / TEXTS, TOKENS);
        for (int t = 0; t < TOKENS; t++) {
          assertThat(pictures[t]).containsExactly(expected[1][t], Offset.offset(tolerance));
        }
      }
    }
  }

  // --- gradients

  @ParameterizedTest
  @EnumSource(FusionEncoder.Direction.class)
  void gradientsEqualCentralDifferences(FusionEncoder.Direction direction) {
    try (CompiledGraph plan = plan(direction, DataType.DOUBLE, true)) {
      GradientCheck.Result result =
          GradientCheck.check(plan, "loss", List.of("texts", "pictures"), 2);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @Test
  void aLastLayerWhosePicturesNobodyReadsChangesNone() {
    try (CompiledGraph all = plan(FusionEncoder.Direction.BOTH, DataType.DOUBLE, true);
        CompiledGraph texts = plan(FusionEncoder.Direction.BOTH, DataType.DOUBLE, false)) {
      all.run();
      texts.run();
      assertThat(texts.output("texts_out")).isEqualTo(all.output("texts_out"));
      assertThat(texts.parameters().views().keySet())
          .contains("fusion.layers.0.picture.mlp.fc1.weight")
          .noneMatch(name -> name.startsWith("fusion.layers.1.picture"))
          .doesNotContain("fusion.picture_final_layer_norm.weight");
    }
  }

  @ParameterizedTest
  @EnumSource(FusionEncoder.Direction.class)
  void fusedGradientsEqualPlainOnes(FusionEncoder.Direction direction) {
    try (CompiledGraph doubles = plan(direction, DataType.DOUBLE, true);
        CompiledGraph floats = plan(direction, DataType.FLOAT, true)) {
      doubles.run();
      floats.run();
      doubles
          .gradients()
          .views()
          .forEach(
              (name, expected) -> {
                INDArray found = floats.gradients().view(name).castTo(DataType.DOUBLE);
                double scale = Math.max(1e-2, expected.norm2Number().doubleValue());
                assertThat(found.distance2(expected) / scale).as(name).isLessThan(1e-4);
              });
    }
  }

  // --- padding

  @ParameterizedTest
  @CsvSource({"TEXT, DOUBLE", "BOTH, DOUBLE", "TEXT, FLOAT", "BOTH, FLOAT"})
  void whatPaddingHoldsChangesNothingAndGetsNoGradient(
      FusionEncoder.Direction direction, DataType type) {
    try (CompiledGraph plan = plan(direction, type, true)) {
      plan.run();
      INDArray texts = plan.output("texts_out").dup();
      INDArray pictures = plan.output("pictures_out").dup();
      INDArray gradients = plan.gradients().flat().dup();
      for (int row : padded()) {
        // of doubles the softmax leaves exp(-500), which no sum notices
        assertThat(plan.gradientOf("texts").getRow(row).amaxNumber().doubleValue())
            .isLessThan(1e-200);
        plan.input("texts").getRow(row).assign(Normal.fill(8, "" + row, 3, new long[] {8}, type));
      }
      plan.run();
      INDArray changes = plan.output("texts_out").sub(texts);
      for (int row = 0; row < BATCH * TEXTS * LENGTH; row++) {
        boolean real = row % LENGTH < REAL[row / LENGTH];
        double change = changes.getRow(row).amaxNumber().doubleValue();
        assertThat(change == 0).as("row %d", row).isEqualTo(real);
      }
      assertThat(plan.output("pictures_out").sub(pictures).amaxNumber().doubleValue()).isZero();
      assertThat(plan.gradients().flat().sub(gradients).amaxNumber().doubleValue())
          .isLessThan(1e-100);
    }
  }

  @Test
  void picturesChangeWithTheirTextsOnlyInBothDirections() {
    for (FusionEncoder.Direction direction : FusionEncoder.Direction.values()) {
      try (CompiledGraph plan = plan(direction, DataType.DOUBLE, true)) {
        plan.run();
        INDArray before = plan.output("pictures_out").dup();
        plan.input("texts").getRow(0).addi(1);
        plan.run();
        double change = plan.output("pictures_out").sub(before).amaxNumber().doubleValue();
        assertThat(change > 0).isEqualTo(direction == FusionEncoder.Direction.BOTH);
      }
    }
  }

  // --- what is refused

  @Test
  void sizesThatCannotWorkAreRefusedByTheirKeys() {
    FusionEncoder.Direction text = FusionEncoder.Direction.TEXT;
    assertThatThrownBy(() -> new FusionEncoder.Config(0, 2, 7, text, 1e-5, null))
        .hasMessageContaining("fusion.num_hidden_layers=0");
    assertThatThrownBy(() -> new FusionEncoder.Config(1, 2, 0, text, 1e-5, null))
        .hasMessageContaining("fusion.intermediate_size=0");
    assertThatThrownBy(() -> new FusionEncoder.Config(1, 2, 7, null, 1e-5, null))
        .hasMessageContaining("fusion.direction");
    FusionEncoder.Config three = new FusionEncoder.Config(1, 3, 7, text, 1e-5, null);
    assertThatThrownBy(() -> three.checkWidths(8, 6))
        .hasMessageContaining("fusion.num_attention_heads=3")
        .hasMessageContaining("8 and 6");
    three.checkWidths(6, 8); // pictures keep the heads of nobody
    FusionEncoder.Config both =
        new FusionEncoder.Config(1, 3, 7, FusionEncoder.Direction.BOTH, 1e-5, null);
    assertThatThrownBy(() -> both.checkWidths(6, 8)).hasMessageContaining("6 and 8");
  }
}
