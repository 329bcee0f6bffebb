package org.talespark.zoo.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.GradientCheck;

class LlamaTest {
  private static final int VOCABULARY = 11;

  private static int[] random(long seed, int count) {
    return new Random(seed).ints(count, 0, VOCABULARY).toArray();
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static double difference(INDArray a, INDArray b) {
    return a.sub(b).amaxNumber().doubleValue();
  }

  // --- against the reference

  @ParameterizedTest
  @CsvSource({
    "DOUBLE, 2, true, 1, 1e-12",
    "DOUBLE, 1, false, 7, 1e-12",
    "FLOAT, 1, true, 33, 1e-5",
    "FLOAT, 2, false, 5, 1e-5"
  })
  void logitsAndLossesEqualThoseOfPlainLoops(
      DataType type, int keyHeads, boolean tied, int tokens, double tolerance) {
    try (Models model = new Models(Models.config(VOCABULARY, keyHeads, tied), type, 3, tokens)) {
      int[] ids = random(1, 3 * tokens);
      int[] labels = random(2, 3 * tokens);
      model.run(ids, labels, ones(3 * tokens));
      ReferenceLlama reference = new ReferenceLlama(model.config, model.weights());
      double[][] logits = model.logits();
      double[] losses = model.plan.output("losses").toDoubleVector();
      double total = 0;
      for (int row = 0; row < 3; row++) {
        double[][] expected =
            reference.logits(Arrays.copyOfRange(ids, row * tokens, (row + 1) * tokens));
        for (int t = 0; t < tokens; t++) {
          int at = row * tokens + t;
          assertThat(logits[at]).containsExactly(expected[t], Offset.offset(tolerance));
          double z = Arrays.stream(expected[t]).map(Math::exp).sum();
          double loss = Math.log(z) - expected[t][labels[at]];
          assertThat(losses[at]).isCloseTo(loss, Offset.offset(tolerance));
          total += loss;
        }
      }
      assertThat(model.plan.output("loss").getDouble(0))
          .isCloseTo(total / (3 * tokens), Offset.offset(tolerance));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, true", "2, false"})
  void gradientsEqualDifferencesOfTheReferencesLoss(int keyHeads, boolean tied) {
    Llama.Config config =
        new Llama.Config(ByteTokens.COUNT, 8, 12, 2, 2, keyHeads, 64, 1e-5, 100, tied, 0.3);
    try (Models model = new Models(config, DataType.DOUBLE, 3, 6)) {
      ByteTokens.Rows rows = model.texts("ab", "", "cabacab");
      model.run(rows);
      ReferenceLlama reference = new ReferenceLlama(config, model.weights());
      for (String name : model.weights().keySet()) {
        double[] weight = reference.weight(name);
        double[] gradient = model.gradient(name).dup().data().asDouble();
        boolean table = name.equals(Llama.EMBEDDING) || name.equals(Llama.HEAD);
        int first = table ? 8 * 'a' : 0; // a byte that occurs
        int stride = table ? 5 : Math.max(1, weight.length / 4);
        for (int i = first; i < Math.min(weight.length, first + 4 * stride); i += stride) {
          double value = weight[i];
          double step = 1e-5;
          weight[i] = value + step;
          double up = reference.nats(rows, 6);
          weight[i] = value - step;
          double down = reference.nats(rows, 6);
          weight[i] = value;
          double numeric = (up - down) / (2 * step) / rows.inputs().length;
          assertThat(gradient[i])
              .as("%s[%d]", name, i)
              .isCloseTo(numeric, Offset.offset(1e-7 * (1e-2 + Math.abs(numeric)) + 1e-10));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"2, true, 4", "1, false, 5"})
  void gradientsEqualCentralDifferences(int keyHeads, boolean tied, int tokens) {
    Llama.Config config = Models.config(VOCABULARY, keyHeads, tied);
    try (Models model = new Models(config, DataType.DOUBLE, 2, tokens)) {
      model.run(random(3, 2 * tokens), random(4, 2 * tokens), ones(2 * tokens));
      GradientCheck.Result result = GradientCheck.check(model.plan, "loss", List.of(), 6);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-6);
    }
  }

  // --- identities

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT", "DOUBLE"})
  void aLaterTokenChangesNoEarlierLogit(DataType type) {
    int tokens = 37;
    try (Models model = new Models(Models.config(VOCABULARY, 1, true), type, 2, tokens)) {
      int[] ids = random(5, 2 * tokens);
      model.run(ids, ids, ones(2 * tokens));
      double[][] before = model.logits();
      for (int changed : new int[] {tokens - 1, 20, 1}) {
        int[] other = ids.clone();
        other[changed] = (ids[changed] + 1) % VOCABULARY; // of the first sample
        model.run(other, ids, ones(2 * tokens));
        double[][] after = model.logits();
        for (int t = 0; t < 2 * tokens; t++) {
          if (t < changed || t >= tokens) {
            assertThat(after[t]).as("token %d, changed %d", t, changed).isEqualTo(before[t]);
          } else {
            assertThat(after[t]).isNotEqualTo(before[t]);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT", "DOUBLE"})
  void groupedQueriesEqualMultipleHeadsWithRepeatedKeys(DataType type) {
    double tolerance = type == DataType.DOUBLE ? 1e-12 : 1e-5;
    try (Models grouped = new Models(Models.config(VOCABULARY, 1, true), type, 2, 9);
        Models multi = new Models(Models.config(VOCABULARY, 2, true), type, 2, 9)) {
      for (Map.Entry<String, INDArray> e : grouped.weights().entrySet()) {
        INDArray target = multi.weights().get(e.getKey());
        boolean key = e.getKey().contains("k_proj") || e.getKey().contains("v_proj");
        target.assign(key ? Nd4j.concat(0, e.getValue(), e.getValue()) : e.getValue());
      }
      int[] ids = random(6, 18);
      grouped.run(ids, ids, ones(18));
      multi.run(ids, ids, ones(18));
      double[][] logits = grouped.logits();
      double[][] expectedLogits = multi.logits();
      for (int t = 0; t < 18; t++) {
        assertThat(logits[t]).containsExactly(expectedLogits[t], Offset.offset(tolerance));
      }
      for (String name : grouped.weights().keySet()) {
        INDArray expected = multi.gradient(name);
        if (name.contains("k_proj") || name.contains("v_proj")) { // the sum over the group
          expected = expected.reshape(2, 4, 8).sum(0);
        }
        assertThat(difference(grouped.gradient(name), expected)).as(name).isLessThan(tolerance);
      }
    }
  }

  @Test
  void paddingChangesNothing() {
    try (Models tight = new Models(Models.ofBytes(true), DataType.DOUBLE, 1, 6);
        Models padded = new Models(Models.ofBytes(true), DataType.DOUBLE, 3, 11)) {
      tight.run(tight.texts("hello"));
      ByteTokens.Rows rows = padded.texts("hello");
      padded.run(rows);
      double[][] logits = padded.logits();
      double[][] expectedLogits = tight.logits();
      for (int t = 0; t < 6; t++) {
        assertThat(logits[t]).containsExactly(expectedLogits[t], Offset.offset(1e-13));
      }
      INDArray expected = tight.plan.gradients().flat().mul(6.0);
      assertThat(difference(padded.plan.gradients().flat().mul(33.0), expected)).isLessThan(1e-12);
      // whatever the padding is
      int[] other = rows.inputs().clone();
      int[] labels = rows.labels().clone();
      for (int i = 0; i < other.length; i++) {
        if (rows.weights()[i] == 0) {
          other[i] = i % ByteTokens.COUNT;
          labels[i] = 7 * i % ByteTokens.COUNT;
        }
      }
      padded.run(other, labels, rows.weights());
      assertThat(difference(padded.plan.gradients().flat().mul(33.0), expected)).isLessThan(1e-12);
    }
  }

  @Test
  void aTiedEmbeddingGetsTheGradientsOfBothItsUses() {
    try (Models tied = new Models(Models.config(VOCABULARY, 2, true), DataType.DOUBLE, 2, 5);
        Models untied = new Models(Models.config(VOCABULARY, 2, false), DataType.DOUBLE, 2, 5)) {
      tied.weights().forEach((name, array) -> untied.weights().get(name).assign(array));
      untied.weights().get(Llama.HEAD).assign(tied.weights().get(Llama.EMBEDDING));
      int[] ids = random(7, 10);
      int[] labels = random(8, 10);
      tied.run(ids, labels, ones(10));
      untied.run(ids, labels, ones(10));
      INDArray input = untied.gradient(Llama.EMBEDDING);
      INDArray output = untied.gradient(Llama.HEAD);
      assertThat(input.norm2Number().doubleValue()).isPositive();
      assertThat(output.norm2Number().doubleValue()).isPositive();
      assertThat(difference(tied.gradient(Llama.EMBEDDING), input.add(output))).isLessThan(1e-13);
    }
  }

  // --- names, shapes, sizes

  @Test
  void tensorsHaveTheNamesAndShapesOfHuggingFace() {
    try (Models model = new Models(Models.ofBytes(false), DataType.FLOAT, 1, 4)) {
      Map<String, INDArray> weights = model.weights();
      assertThat(weights).hasSize(3 + 2 * 9);
      assertThat(weights.get("model.embed_tokens.weight").shape()).containsExactly(259, 16);
      assertThat(weights.get("lm_head.weight").shape()).containsExactly(259, 16);
      assertThat(weights.get("model.norm.weight").shape()).containsExactly(16);
      String layer = "model.layers.1.";
      assertThat(weights.get(layer + "input_layernorm.weight").shape()).containsExactly(16);
      assertThat(weights.get(layer + "post_attention_layernorm.weight").shape())
          .containsExactly(16);
      assertThat(weights.get(layer + "self_attn.q_proj.weight").shape()).containsExactly(16, 16);
      assertThat(weights.get(layer + "self_attn.k_proj.weight").shape()).containsExactly(8, 16);
      assertThat(weights.get(layer + "self_attn.v_proj.weight").shape()).containsExactly(8, 16);
      assertThat(weights.get(layer + "self_attn.o_proj.weight").shape()).containsExactly(16, 16);
      assertThat(weights.get(layer + "mlp.gate_proj.weight").shape()).containsExactly(24, 16);
      assertThat(weights.get(layer + "mlp.up_proj.weight").shape()).containsExactly(24, 16);
      assertThat(weights.get(layer + "mlp.down_proj.weight").shape()).containsExactly(16, 24);
      long length = model.plan.parameters().layout().length();
      assertThat(model.config.parameters()).isEqualTo(length);
      assertThat(Models.ofBytes(true).parameters()).isEqualTo(length - 259 * 16);
    }
  }

  @Test
  void aConfigurationThatCannotWorkIsRefusedByItsKey() {
    assertThatThrownBy(() -> new Llama.Config(9, 8, 8, 1, 4, 3, 8, 1e-5, 1e4, true, 0.02))
        .hasMessageContaining("num_key_value_heads=3");
    assertThatThrownBy(() -> new Llama.Config(9, 12, 8, 1, 4, 4, 8, 1e-5, 1e4, true, 0.02))
        .hasMessageContaining("hidden_size=12");
    assertThatThrownBy(() -> new Llama.Config(9, 8, 8, 0, 4, 4, 8, 1e-5, 1e4, true, 0.02))
        .hasMessageContaining("num_hidden_layers=0");
    assertThatThrownBy(() -> new Models(Models.ofBytes(true), DataType.FLOAT, 1, 33))
        .hasMessageContaining("tokens=33 max_position_embeddings=32");
  }
}
