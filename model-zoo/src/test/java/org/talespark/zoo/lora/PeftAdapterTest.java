package org.talespark.zoo.lora;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.io.ModelFiles;
import org.talespark.zoo.train.FrozenBase;

class PeftAdapterTest {
  private static final String A = "base_model.model.fc1.lora_A.weight";
  private static final String B = "base_model.model.fc1.lora_B.weight";

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"attention", "pattern"})
  void savingAfterLoadingGivesTheSameBytes(String name) throws IOException {
    PeftAdapter adapter = Adapters.read(name);
    Path read = Files.createDirectory(folder.resolve("read"));
    adapter.write(ModelFiles.of(read));
    // made anew from the tensors alone
    byte[] config = Files.readAllBytes(Adapters.path(name).resolve(PeftAdapter.CONFIG));
    Path made = Files.createDirectory(folder.resolve("made"));
    PeftAdapter.of(config, adapter.tensors()).write(ModelFiles.of(made));
    for (String file : List.of(PeftAdapter.CONFIG, PeftAdapter.WEIGHTS)) {
      Path original = Adapters.path(name).resolve(file);
      assertThat(read.resolve(file)).hasSameBinaryContentAs(original);
      assertThat(made.resolve(file)).hasSameBinaryContentAs(original);
    }
  }

  @Test
  void whatPeftWritesIsUnderstood() throws IOException {
    PeftAdapter attention = Adapters.read("attention");
    assertThat(attention.config().r()).isEqualTo(2);
    assertThat(attention.config().scale()).isEqualTo(1.5);
    assertThat(attention.config().targetModules().value())
        .isEqualTo(List.of("q_proj", "k_proj", "v_proj", "self_attn.out_proj"));
    byte[] file = Files.readAllBytes(Adapters.path("attention").resolve(PeftAdapter.CONFIG));
    assertThat(PeftAdapter.base(file)).contains("../clip/plain");
    assertThat(attention.tensors()).hasSize(2 * 4 * 4); // 4 layers of attention in all
    PeftAdapter pattern = Adapters.read("pattern");
    assertThat(pattern.config().useRslora()).isTrue();
    assertThat(pattern.config().scale()).isEqualTo(1.5 / Math.sqrt(3));
    assertThat(pattern.tensors()).hasSize(2 * 5);
  }

  @Test
  void ourConfigurationHasPeftsKeysAndIsReadBack() throws IOException {
    LoraConfig config =
        new LoraConfig(
            4,
            8,
            TargetModules.named(List.of("q_proj", "v_proj")),
            null,
            true,
            new FrozenBase("file:/run/checkpoints/step-00000010", "ab12"));
    byte[] written = PeftAdapter.config(config);
    JsonNode file = new ObjectMapper().readTree(new String(written, UTF_8));
    JsonNode peft =
        new ObjectMapper()
            .readTree(Adapters.path("attention").resolve(PeftAdapter.CONFIG).toFile());
    TreeSet<String> keys = new TreeSet<>();
    file.fieldNames().forEachRemaining(keys::add);
    TreeSet<String> known = new TreeSet<>();
    peft.fieldNames().forEachRemaining(known::add);
    assertThat(known).containsAll(keys);
    assertThat(file.get("peft_type").asText()).isEqualTo("LORA");
    assertThat(file.get("lora_alpha").toString()).isEqualTo("8");
    assertThat(file.get("target_modules").toString()).isEqualTo("[\"q_proj\",\"v_proj\"]");
    assertThat(file.get("base_model_name_or_path").asText())
        .isEqualTo("file:/run/checkpoints/step-00000010");
    PeftAdapter read = PeftAdapter.of(written, Map.of(A, Nd4j.ones(4, 3), B, Nd4j.ones(5, 4)));
    assertThat(read.config().on(config.base())).isEqualTo(config);
  }

  // --- what is refused

  private static AbstractThrowableAssert<?, ?> refused(
      String config, Map<String, INDArray> tensors) {
    return assertThatThrownBy(
            () -> PeftAdapter.of(config.replace('\'', '"').getBytes(UTF_8), tensors))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "'peft_type': 'IA3'; peft_type=\"IA3\", expected LORA",
        "'peft_type': 'LORA', 'bias': 'all'; bias=\"all\", expected none",
        "'peft_type': 'LORA', 'use_dora': true; use_dora=true, expected nothing",
        "'peft_type': 'LORA', 'fan_in_fan_out': true; fan_in_fan_out=true",
        "'peft_type': 'LORA', 'rank_pattern': {'fc1': 3}; rank_pattern={\"fc1\":3}",
        "'peft_type': 'LORA', 'modules_to_save': ['head']; modules_to_save=[\"head\"]",
        "'peft_type': 'LORA', 'r': 2; target_modules=nothing"
      })
  void whatComputesSomethingElseIsRefusedByItsKey(String keys, String words) {
    refused("{" + keys + "}", Map.of()).hasMessageContaining("adapter_config.json has " + words);
  }

  @Test
  void tensorsThatDoNotFitAreNamed() {
    String config = "{'peft_type': 'LORA', 'r': 2, 'lora_alpha': 2, 'target_modules': ['fc1']}";
    INDArray a = Nd4j.ones(2, 3);
    INDArray b = Nd4j.ones(5, 2);
    refused(config, Map.of()).hasMessageContaining("holds no tensors");
    refused(config, Map.of(A, a)).hasMessageContaining("tensor=" + B + " is missing");
    refused(config, Map.of(A, Nd4j.ones(3, 3), B, b))
        .hasMessageContaining("tensor=" + A + " shape=[3, 3], expected [r, in] by r=2");
    refused(config, Map.of(A, a, B, b, "base_model.model.fc1.lora_embedding_A", a))
        .hasMessageContaining("tensor=base_model.model.fc1.lora_embedding_A, expected");
    refused(config, Map.of(A, a, B, b.dup().putScalar(0, Double.NaN)))
        .hasMessageContaining("tensor=" + B + ", expected finite");
    assertThatThrownBy(() -> PeftAdapter.read(ModelFiles.of(folder)))
        .hasMessageContaining("has no adapter_config.json");
  }

  @Test
  void anAdapterOfAnotherModelNamesTheLayer() {
    String config = "{'peft_type': 'LORA', 'r': 2, 'lora_alpha': 2, 'target_modules': ['fc1']}";
    PeftAdapter adapter =
        PeftAdapter.of(
            config.replace('\'', '"').getBytes(UTF_8),
            Map.of(A, Nd4j.ones(2, 3), B, Nd4j.ones(5, 2)));
    Map<String, INDArray> model = new HashMap<>(Map.of("fc2.weight", Nd4j.ones(5, 3)));
    assertThatThrownBy(() -> adapter.deltas(model))
        .hasMessageContaining(
            "layer=fc1, which is no linear layer of the model; did you mean fc2?");
    model.put("fc1.weight", Nd4j.ones(5, 4));
    assertThatThrownBy(() -> adapter.deltas(model))
        .hasMessageContaining("layer=fc1 shape=[5, 3], expected [5, 4] as the model's");
    model.put("fc1.weight", Nd4j.ones(5, 3));
    assertThat(adapter.deltas(model).get("fc1.weight")).isEqualTo(Nd4j.ones(5, 3).mul(2));
  }
}
