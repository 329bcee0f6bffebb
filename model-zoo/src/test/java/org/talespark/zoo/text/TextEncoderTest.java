package org.talespark.zoo.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.nn.Normal;

class TextEncoderTest {
  private static final int VOCABULARY = 11;

  /** Width 8, two layers of two heads, at most nine tokens. */
  private static final TextEncoder.Config CONFIG =
      new TextEncoder.Config(VOCABULARY, 8, 12, 2, 2, 9, 1e-5);

  /** A plan whose loss is the states' mean product with fixed numbers. */
  private static CompiledGraph plan(DataType type, int batch, int tokens) {
    return plan(type, batch, tokens, false);
  }

  private static CompiledGraph plan(DataType type, int batch, int tokens, boolean shifted) {
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, 3);
    SDVariable ids = ops.indices("tokens", (long) batch * tokens);
    SDVariable built =
        shifted
            ? TextEncoder.buildShifted(CONFIG, layers, ids, batch, tokens)
            : TextEncoder.build(CONFIG, layers, ids, batch, tokens);
    SDVariable states = ops.name("states", built);
    INDArray factors = Normal.fill(4, "factors", 1, new long[] {(long) batch * tokens, 8}, type);
    ops.name("loss", states.mul(ops.frozen("factors", factors)).mean());
    CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("tokens", (long) batch * tokens)
            .outputs("states")
            .train(layers.names())
            .losses("loss")
            .build();
    plan.parameters()
        .views()
        .forEach((name, view) -> view.addi(Normal.fill(9, name, 0.2, view.shape(), type)));
    return plan;
  }

  private static int[] random(long seed, int count) {
    return new Random(seed).ints(count, 0, VOCABULARY).toArray();
  }

  private static INDArray states(CompiledGraph plan, int[] ids) {
    plan.fill("tokens", ids);
    plan.run();
    return plan.output("states").castTo(DataType.DOUBLE).dup();
  }

  @ParameterizedTest
  @CsvSource({
    "DOUBLE, 5, false, 1e-12",
    "FLOAT, 9, false, 1e-5",
    "FLOAT, 1, false, 1e-5",
    "DOUBLE, 5, true, 1e-12",
    "FLOAT, 9, true, 1e-5",
    "FLOAT, 1, true, 1e-5"
  })
  void statesEqualThoseOfPlainLoops(DataType type, int tokens, boolean shifted, double tolerance) {
    try (CompiledGraph plan = plan(type, 3, tokens, shifted)) {
      int[] ids = random(1, 3 * tokens);
      INDArray states = states(plan, ids);
      ReferenceTextEncoder reference = new ReferenceTextEncoder(CONFIG, plan.parameters().views());
      for (int b = 0; b < 3; b++) {
        double[][] expected =
            reference.states(Arrays.copyOfRange(ids, b * tokens, (b + 1) * tokens));
        for (int t = 0; t < tokens; t++) {
          assertThat(states.getRow((long) b * tokens + t).toDoubleVector())
              .containsExactly(expected[t], Offset.offset(tolerance));
        }
      }
    }
  }

  private static double difference(INDArray a, INDArray b) {
    assertThat(a.shape()).isEqualTo(b.shape());
    return a.sub(b).amaxNumber().doubleValue();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void gradientsEqualCentralDifferences(boolean shifted) {
    try (CompiledGraph plan = plan(DataType.DOUBLE, 2, 6, shifted)) {
      plan.fill("tokens", random(2, 12));
      GradientCheck.Result result = GradientCheck.check(plan, "loss", List.of(), 6);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatStandsBehindATokenChangesNothingInFrontOfIt(boolean shifted) {
    for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
      try (CompiledGraph plan = plan(type, 2, 9, shifted)) {
        int[] ids = random(3, 18);
        INDArray before = states(plan, ids);
        for (int i = 5; i < 9; i++) { // behind the end of the first text
          ids[i] = (ids[i] + 1 + i) % VOCABULARY;
        }
        INDArray after = states(plan, ids);
        for (int row = 0; row < 18; row++) {
          double change = difference(after.getRow(row), before.getRow(row));
          assertThat(change == 0).as("row %d", row).isEqualTo(row < 5 || row >= 9);
        }
      }
    }
  }

  @Test
  void aShorterRowGivesTheSameStates() {
    try (CompiledGraph whole = plan(DataType.DOUBLE, 1, 9);
        CompiledGraph part = plan(DataType.DOUBLE, 1, 4)) {
      int[] ids = random(4, 9);
      INDArray expected = states(whole, ids);
      INDArray states = states(part, Arrays.copyOf(ids, 4));
      for (int t = 0; t < 4; t++) {
        assertThat(difference(states.getRow(t), expected.getRow(t))).isLessThan(1e-12);
      }
    }
  }

  @Test
  void tensorsHaveTheNamesAndShapesOfHuggingFace() {
    List<String> names = new ArrayList<>();
    names.add("text_model.embeddings.token_embedding.weight");
    names.add("text_model.embeddings.position_embedding.weight");
    List<String> modules = new ArrayList<>(List.of("text_model.final_layer_norm"));
    for (int i = 0; i < 2; i++) {
      for (String part :
          List.of(
              "self_attn.q_proj",
              "self_attn.k_proj",
              "self_attn.v_proj",
              "self_attn.out_proj",
              "layer_norm1",
              "layer_norm2",
              "mlp.fc1",
              "mlp.fc2")) {
        modules.add("text_model.encoder.layers.%d.%s".formatted(i, part));
      }
    }
    for (String module : modules) {
      names.add(module + ".weight");
      names.add(module + ".bias");
    }
    try (CompiledGraph plan = plan(DataType.FLOAT, 1, 4)) {
      Map<String, INDArray> weights = plan.parameters().views();
      assertThat(weights.keySet()).containsExactlyInAnyOrderElementsOf(names);
      assertThat(weights.get(names.get(0)).shape()).containsExactly(VOCABULARY, 8);
      assertThat(weights.get(names.get(1)).shape()).containsExactly(9, 8);
      String layer = "text_model.encoder.layers.1.";
      assertThat(weights.get(layer + "self_attn.q_proj.weight").shape()).containsExactly(8, 8);
      assertThat(weights.get(layer + "mlp.fc1.weight").shape()).containsExactly(12, 8);
      assertThat(weights.get(layer + "mlp.fc2.weight").shape()).containsExactly(8, 12);
      assertThat(CONFIG.parameters()).isEqualTo(plan.parameters().layout().length());
    }
  }

  @Test
  void aTokenShiftOfZeroIsNone() {
    try (CompiledGraph plain = plan(DataType.DOUBLE, 2, 5);
        CompiledGraph shifted = plan(DataType.DOUBLE, 2, 5, true)) {
      Map<String, INDArray> weights = shifted.parameters().views();
      assertThat(weights).hasSize(plain.parameters().views().size() + 1);
      assertThat(weights.get(TextEncoder.PREVIOUS).shape()).containsExactly(VOCABULARY, 8);
      plain.parameters().views().forEach((name, view) -> weights.get(name).assign(view));
      int[] ids = random(6, 10);
      INDArray expected = states(plain, ids);
      assertThat(difference(states(shifted, ids), expected)).isGreaterThan(0.1);
      weights.get(TextEncoder.PREVIOUS).assign(0);
      assertThat(difference(states(shifted, ids), expected)).isZero();
    }
  }

  @Test
  void theSameSeedGivesTheSameBits() {
    try (CompiledGraph one = plan(DataType.FLOAT, 2, 5);
        CompiledGraph other = plan(DataType.FLOAT, 2, 5)) {
      int[] ids = random(5, 10);
      assertThat(difference(states(one, ids), states(other, ids))).isZero();
    }
  }

  @Test
  void aConfigurationThatCannotWorkIsRefusedByItsKey() {
    assertThatThrownBy(() -> new TextEncoder.Config(11, 9, 12, 2, 2, 9, 1e-5))
        .hasMessageContaining("hidden_size=9");
    assertThatThrownBy(() -> new TextEncoder.Config(1, 8, 12, 2, 2, 9, 1e-5))
        .hasMessageContaining("vocab_size=1");
    assertThatThrownBy(() -> new TextEncoder.Config(11, 8, 12, 0, 2, 9, 1e-5))
        .hasMessageContaining("num_hidden_layers=0");
    assertThatThrownBy(() -> plan(DataType.FLOAT, 1, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tokens=10, expected 1 to max_position_embeddings=9");
  }
}
