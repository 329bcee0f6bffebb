package org.talespark.zoo.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

class FusedDropoutTest {
  private static final int TOKENS = 7;
  private static final int WIDTH = 33;
  private static final int SAMPLE = TOKENS * WIDTH;

  /** What becomes of x under keys, and the gradient of sum(y^2 / 2), which is y's own dropout. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Dropped(float[] y, float[] gradient) {}

  private static Dropped drop(float[] x, int[] keys, double rate, long stream) {
    Ops ops = new Ops(DataType.FLOAT);
    int batch = keys.length / 2;
    SDVariable in = ops.input("x", (long) batch * TOKENS, WIDTH);
    SDVariable y = ops.dropout(in, ops.indices("keys", batch, 2), rate, stream);
    ops.name("y", y);
    ops.name("loss", y.mul(y).sum().mul(0.5));
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("x", (long) batch * TOKENS, WIDTH)
            .input("keys", batch, 2)
            .outputs("y")
            .losses("loss")
            .gradientOf("x")
            .build()) {
      plan.fill("x", x);
      plan.fill("keys", keys);
      plan.run();
      return new Dropped(
          plan.output("y").reshape(-1).toFloatVector(),
          plan.gradientOf("x").reshape(-1).toFloatVector());
    }
  }

  private static float[] numbers(int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = 1 + i % 11;
    }
    return x;
  }

  private static float[] ones(int n) {
    float[] x = new float[n];
    Arrays.fill(x, 1);
    return x;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.5, 0.9})
  void elementsAreLeftOutOrScaledAndTheGradientFollows(double rate) {
    int[] keys = new int[2 * 40];
    Arrays.setAll(keys, i -> 31 * i + 7);
    float[] x = numbers(40 * SAMPLE);
    Dropped dropped = drop(x, keys, rate, 5);
    float kept = (float) (1 / (1 - rate));
    int left = 0;
    for (int i = 0; i < x.length; i++) {
      left += dropped.y()[i] == 0 ? 1 : 0;
      float factor = dropped.y()[i] == 0 ? 0 : kept;
      assertThat(dropped.y()[i]).isEqualTo(x[i] * factor);
      assertThat(dropped.gradient()[i]).isEqualTo(dropped.y()[i] * factor);
    }
    assertThat((double) left / x.length).isCloseTo(rate, Offset.offset(0.02));
  }

  @Test
  void theChoiceFollowsKeyAndStreamNotThePlaceInTheBatch() {
    int[] keys = {1, 2, -3, 4, 1, 2};
    float[] three = drop(ones(3 * SAMPLE), keys, 0.5, 5).y();
    float[] first = Arrays.copyOf(three, SAMPLE);
    float[] second = Arrays.copyOfRange(three, SAMPLE, 2 * SAMPLE);
    assertThat(second).isNotEqualTo(first);
    assertThat(Arrays.copyOfRange(three, 2 * SAMPLE, 3 * SAMPLE)).isEqualTo(first);
    assertThat(drop(ones(SAMPLE), new int[] {-3, 4}, 0.5, 5).y()).isEqualTo(second);
    assertThat(drop(ones(SAMPLE), new int[] {-3, 5}, 0.5, 5).y()).isNotEqualTo(second);
    assertThat(drop(ones(SAMPLE), new int[] {-3, 4}, 0.5, 6).y()).isNotEqualTo(second);
    assertThat(Arrays.copyOf(first, WIDTH))
        .as("rows of a sample differ")
        .isNotEqualTo(Arrays.copyOfRange(first, WIDTH, 2 * WIDTH));
  }

  @Test
  void whatCannotBeIsRefused() {
    Ops doubles = new Ops(DataType.DOUBLE);
    assertThatThrownBy(
            () -> doubles.dropout(doubles.input("x", 4, 2), doubles.indices("k", 2, 2), 0.1, 1))
        .hasMessageContaining("type=DOUBLE rate=0.1");
    Ops floats = new Ops(DataType.FLOAT);
    SDVariable keys = floats.indices("keys", 3, 2);
    SDVariable x = floats.input("x", 4, 2);
    assertThatThrownBy(() -> floats.dropout(x, keys, 1, 1)).hasMessageContaining("rate=1.0");
    floats.name("y", floats.dropout(x, keys, 0.5, 1));
    CompiledGraph.Builder builder =
        CompiledGraph.of(floats.graph()).input("x", 4, 2).input("keys", 3, 2).outputs("y");
    assertThatThrownBy(builder::build)
        .hasStackTraceContaining("shapes=[[4, 2], [3, 2]], expected [B*T, D] and [B, 2]");
  }
}
