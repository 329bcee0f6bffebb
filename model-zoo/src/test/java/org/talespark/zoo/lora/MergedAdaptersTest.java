package org.talespark.zoo.lora;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.nn.Normal;

class MergedAdaptersTest {
  private static final String CONFIG =
      "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"target_modules\": [\"fc1\"]}";

  private final Map<String, INDArray> model = model();
  private final Map<String, INDArray> base = model();
  private final MergedAdapters adapters = new MergedAdapters(model);

  private static INDArray random(String name, long... shape) {
    return Normal.fill(5, name, 1, shape, DataType.FLOAT);
  }

  private static Map<String, INDArray> model() {
    Map<String, INDArray> model = new LinkedHashMap<>();
    model.put("fc1.weight", random("fc1", 5, 3));
    model.put("fc2.weight", random("fc2", 3, 5));
    model.put("norm.weight", random("norm", 3));
    return model;
  }

  private static PeftAdapter adapter(String name, String layer, int out, int in) {
    return PeftAdapter.of(
        CONFIG.getBytes(UTF_8),
        Map.of(
            "base_model.model." + layer + ".lora_A.weight", random(name + "a", 2, in),
            "base_model.model." + layer + ".lora_B.weight", random(name + "b", out, 2)));
  }

  /** W + weight 1.5 B A, element by element. */
  private INDArray expected(PeftAdapter adapter, String layer, double weight, INDArray of) {
    INDArray a = adapter.tensors().get("base_model.model." + layer + ".lora_A.weight");
    INDArray b = adapter.tensors().get("base_model.model." + layer + ".lora_B.weight");
    INDArray sum = of.dup();
    for (long o = 0; o < of.size(0); o++) {
      for (long i = 0; i < of.size(1); i++) {
        double delta = 0;
        for (long k = 0; k < 2; k++) {
          delta += b.getDouble(o, k) * a.getDouble(k, i);
        }
        sum.putScalar(o, i, of.getDouble(o, i) + weight * 1.5 * delta);
      }
    }
    return sum;
  }

  private void isTheBase() {
    model.forEach((name, array) -> assertThat(far(array, base.get(name))).as(name).isZero());
    assertThat(adapters.merged()).isEmpty();
  }

  /** The largest difference; zero means to the bit, which equals() does not. */
  private static double far(INDArray found, INDArray expected) {
    return found.sub(expected).amaxNumber().doubleValue();
  }

  private static void agree(INDArray found, INDArray expected) {
    assertThat(far(found, expected)).isLessThan(1e-5);
  }

  @Test
  void mergedWeightsAreTheBasePlusTheScaledProduct() {
    PeftAdapter one = adapter("one", "fc1", 5, 3);
    adapters.add("one", one);
    isTheBase();
    adapters.merge("one");
    agree(model.get("fc1.weight"), expected(one, "fc1", 1, base.get("fc1.weight")));
    assertThat(far(model.get("fc2.weight"), base.get("fc2.weight"))).isZero();
    assertThat(adapters.merged()).isEqualTo(Map.of("one", 1.0));
  }

  @Test
  void unmergingBringsBackTheBaseToTheBit() {
    adapters.add("one", adapter("one", "fc1", 5, 3));
    adapters.add("two", adapter("two", "fc2", 3, 5));
    for (int i = 0; i < 3; i++) {
      adapters.merge(Map.of("one", 0.3, "two", -7.1));
      assertThat(far(model.get("fc1.weight"), base.get("fc1.weight"))).isPositive();
      adapters.unmerge();
      isTheBase();
    }
    adapters.unmerge();
    isTheBase();
  }

  @Test
  void mergingTwiceChangesNothing() {
    adapters.add("one", adapter("one", "fc1", 5, 3));
    adapters.merge("one");
    INDArray once = model.get("fc1.weight").dup();
    adapters.merge("one");
    assertThat(far(model.get("fc1.weight"), once)).isZero();
  }

  @Test
  void adaptersAreSwitchedAndCombinedByTheirNames() {
    PeftAdapter one = adapter("one", "fc1", 5, 3);
    PeftAdapter two = adapter("two", "fc1", 5, 3);
    adapters.add("one", one);
    adapters.add("two", two);
    adapters.merge("one");
    adapters.merge("two");
    agree(model.get("fc1.weight"), expected(two, "fc1", 1, base.get("fc1.weight")));
    adapters.merge(Map.of("one", 0.5, "two", 0.25));
    agree(
        model.get("fc1.weight"),
        expected(two, "fc1", 0.25, expected(one, "fc1", 0.5, base.get("fc1.weight"))));
  }

  @Test
  void whatCannotBeMergedChangesNothing() {
    PeftAdapter one = adapter("one", "fc1", 5, 3);
    adapters.add("one", one);
    assertThatThrownBy(() -> adapters.merge("onne"))
        .hasMessageContaining("name=onne, expected one of [one]; did you mean one?");
    isTheBase();
    assertThatThrownBy(() -> adapters.merge(Map.of("one", Double.POSITIVE_INFINITY)))
        .hasMessageContaining("tensor=fc1.weight, expected finite numbers");
    isTheBase();
    assertThatThrownBy(() -> adapters.add("wide", adapter("wide", "fc1", 5, 4)))
        .hasMessageContaining("layer=fc1 shape=[5, 4], expected [5, 3]");
    adapters.merge("one");
    assertThatThrownBy(() -> adapters.add("one", one)).hasMessageContaining("try unmerge() first");
  }
}
