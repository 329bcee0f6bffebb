package org.talespark.zoo.contrastive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.GradientListener;
import org.talespark.zoo.io.ModelFiles;
import org.talespark.zoo.io.SafetensorsFile;
import org.talespark.zoo.io.SafetensorsWriter;
import org.talespark.zoo.io.TensorSource;
import org.talespark.zoo.lora.TrainedWeights;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Reducer;

/** Against what {@code src/test/python/clip.py} wrote. */
class HfClipTest {
  private static final String EXPECTED = "expected.safetensors";

  @TempDir private Path folder;

  private static Path directory(String name) {
    try {
      return Path.of(HfClipTest.class.getResource("/clip/" + name + "/config.json").toURI())
          .getParent();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(name, e);
    }
  }

  private static Map<String, INDArray> tensors(Path file) throws IOException {
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    try (SafetensorsFile open = SafetensorsFile.open(file)) {
      for (String name : open.header().tensors().keySet()) {
        tensors.put(name, open.tensor(name).load());
      }
    }
    return tensors;
  }

  private static double error(INDArray value, INDArray expected) {
    INDArray difference = value.castTo(DataType.DOUBLE).sub(expected.castTo(DataType.DOUBLE));
    return difference.norm2Number().doubleValue() / expected.norm2Number().doubleValue();
  }

  // --- parity

  @ParameterizedTest
  @CsvSource({"plain, FLOAT, 1e-5", "sharded, FLOAT, 1e-5", "plain, DOUBLE, 2e-7"})
  void embeddingsLossAndGradientsAreThoseOfPyTorch(String name, DataType type, double tolerance)
      throws IOException {
    HfClip clip = HfClip.read(ModelFiles.of(directory(name)));
    Map<String, INDArray> expected = tensors(directory(name).resolve(EXPECTED));
    int batch = (int) expected.get("input_ids").size(0);
    int length = (int) expected.get("input_ids").size(1);
    ContrastiveLearnerConfig training =
        new ContrastiveLearnerConfig(
            clip.config(),
            new PairLoss.Softmax(),
            "unused",
            length,
            new OptimizerConfig.Sgd(0, false, 0),
            new Schedule.Constant(),
            1,
            0);
    int width = clip.config().projectionDim();
    try (ClipPlans plans = new ClipPlans(training, TrainedWeights.all(1), type, batch);
        GlobalLoss loss = new GlobalLoss(training.loss(), Reducer.ALONE, type, batch, width)) {
      Map<String, INDArray> weights = plans.training.parameters().views();
      assertThat(weights.keySet()).containsExactlyInAnyOrderElementsOf(clip.parameters().keySet());
      clip.parameters().forEach((tensor, array) -> weights.get(tensor).assign(array));
      int[] ids = expected.get("input_ids").reshape(-1).toIntVector();
      ClipPlans.fill(
          plans.training,
          expected.get("pixel_values").reshape(-1).toFloatVector(),
          new ClipTexts.Rows(ids, ClipModel.ends(clip.config(), ids, length), 0));
      double value = plans.step(loss, batch, 1, GradientListener.NONE).loss();
      double expectedLoss = expected.get("loss").getDouble(0);
      assertThat(Math.abs(value - expectedLoss) / expectedLoss).isLessThan(tolerance);
      for (String embeds : List.of(ClipModel.IMAGE_EMBEDS, ClipModel.TEXT_EMBEDS)) {
        assertThat(error(plans.training.output(embeds), expected.get(embeds)))
            .as(embeds)
            .isLessThan(tolerance);
      }
      plans
          .training
          .gradients()
          .views()
          .forEach(
              (tensor, gradient) -> {
                INDArray wanted = expected.get("gradient:" + tensor);
                if (tensor.endsWith("k_proj.bias")) { // softmax forgets it
                  assertThat(gradient.amaxNumber().doubleValue()).as(tensor).isLessThan(1e-6);
                } else {
                  assertThat(error(gradient, wanted)).as(tensor).isLessThan(tolerance);
                }
              });
    }
  }

  @Test
  void configurationsAreUnderstood() throws IOException {
    ClipModel.Config plain = HfClip.read(ModelFiles.of(directory("plain"))).config();
    assertThat(plain.textConfig().hiddenAct()).isEqualTo(Activation.QUICK_GELU);
    assertThat(plain.visionConfig().tokens()).isEqualTo(10);
    ClipModel.Config sharded = HfClip.read(ModelFiles.of(directory("sharded"))).config();
    assertThat(sharded.textConfig().hiddenAct()).isEqualTo(Activation.GELU);
    assertThat(sharded.textConfig().eosTokenId()).isEqualTo(2);
    assertThat(sharded.visionConfig().tokens()).isEqualTo(10); // 14 / 4, rounded down
    assertThat(read("{'model_type': 'clip'}").parameters()).isEqualTo(151_277_313); // ViT-B/32
    assertThat(
            read("{'model_type': 'clip', 'text_config': {'hidden_size': 64, 'eos_token_id': 5},"
                    + " 'text_config_dict': {'hidden_size': 128}, 'vision_config_dict': null}")
                .textConfig())
        .satisfies(
            text -> {
              assertThat(text.hiddenSize()).isEqualTo(128); // as the older key says
              assertThat(text.eosTokenId()).isEqualTo(5);
            });
    ClipModel.Config own = Pairs.model(1);
    ObjectMapper json = new ObjectMapper();
    assertThat(ClipFile.read(json.readTree(json.writeValueAsString(ClipFile.write(own)))))
        .isEqualTo(own);
  }

  private static ClipModel.Config read(String json) throws IOException {
    return ClipFile.read(new ObjectMapper().readTree(json.replace('\'', '"')));
  }

  @Test
  void modelsThatComputeSomethingElseAreRefused() {
    assertThatThrownBy(() -> read("{'model_type': 'siglip'}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("model_type=\"siglip\", expected clip");
    assertThatThrownBy(
            () -> read("{'model_type': 'clip', 'vision_config': {'hidden_act': 'gelu_new'}}"))
        .hasMessageContaining("vision_config.hidden_act=\"gelu_new\", expected quick_gelu or gelu");
    assertThatThrownBy(() -> read("{'model_type': 'clip', 'text_config': {'vocab_size': 'many'}}"))
        .hasMessageContaining("text_config.vocab_size=\"many\", expected a whole number");
  }

  // --- saving

  @ParameterizedTest
  @ValueSource(strings = {"plain", "sharded"})
  void savingAfterLoadingGivesTheSameBytes(String name) throws IOException {
    Path from = copy(name);
    Files.write(from.resolve("tokenizer.json"), Pairs.tokenizer(1));
    setEnd(from, name.equals("plain") ? "39" : "2", "1");
    Files.writeString(from.resolve("preprocessor_config.json"), "{ \"resample\": 3 }\n");
    Path to = Files.createDirectory(folder.resolve("saved"));
    HfClip.read(ModelFiles.of(from)).write(ModelFiles.of(to));
    List<String> saved = names(to);
    List<String> expected = names(from);
    expected.remove(EXPECTED);
    assertThat(saved).containsExactlyElementsOf(expected);
    for (String file : saved) {
      assertThat(to.resolve(file)).hasSameBinaryContentAs(from.resolve(file));
    }
  }

  private Path copy(String name) throws IOException {
    Path to = Files.createDirectory(folder.resolve(name));
    for (String file : names(directory(name))) {
      Files.copy(directory(name).resolve(file), to.resolve(file));
    }
    return to;
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return new ArrayList<>(all.map(path -> path.getFileName().toString()).sorted().toList());
    }
  }

  private static void setEnd(Path directory, String before, String after) throws IOException {
    replace(directory, "\"eos_token_id\": " + before, "\"eos_token_id\": " + after);
  }

  private static void replace(Path directory, String before, String after) throws IOException {
    Path config = directory.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(before);
    Files.writeString(config, text.replace(before, after));
  }

  @Test
  void changedWeightsAreSavedAndNothingElse() throws IOException {
    String name = "visual_projection.weight";
    HfClip clip = HfClip.read(ModelFiles.of(directory("sharded")));
    clip.parameters().get(name).assign(0.25);
    clip.write(ModelFiles.of(folder));
    HfClip again = HfClip.read(ModelFiles.of(folder));
    Map<String, INDArray> before = HfClip.read(ModelFiles.of(directory("sharded"))).parameters();
    again
        .parameters()
        .forEach(
            (tensor, array) -> {
              INDArray expected =
                  tensor.equals(name) ? before.get(tensor).mul(0).add(0.25) : before.get(tensor);
              assertThat(array.sub(expected).amaxNumber().doubleValue()).as(tensor).isZero();
            });
  }

  // --- what does not fit

  private static void rewrite(Path directory, String name, INDArray array) throws IOException {
    Path file = directory.resolve("model.safetensors");
    Map<String, INDArray> tensors = tensors(file);
    if (array == null) {
      tensors.remove(name);
    } else {
      tensors.put(name, array);
    }
    List<TensorSource> sources = new ArrayList<>();
    tensors.forEach((tensor, values) -> sources.add(TensorSource.of(tensor, values)));
    SafetensorsWriter.write(file, Map.of("format", "pt"), sources);
  }

  private static void assertRefused(Path directory, String... words) {
    assertThatThrownBy(() -> HfClip.read(ModelFiles.of(directory)))
        .isInstanceOf(RuntimeException.class)
        .satisfies(
            failure -> {
              for (String word : words) {
                assertThat(failure.getMessage()).contains(word);
              }
            });
  }

  @Test
  void tensorsThatDoNotFitAreNamedWithBothShapes() throws IOException {
    Path directory = copy("plain");
    String name = "text_model.encoder.layers.1.mlp.fc1.weight";
    rewrite(directory, name, Nd4j.zeros(DataType.FLOAT, 25, 16));
    assertRefused(directory, "tensor=" + name, "shape=[25, 16]", "expected [24, 16]");
    rewrite(directory, name, null);
    assertRefused(directory, "tensor=" + name, "is missing", "expected shape [24, 16]");
    rewrite(directory, name, Nd4j.zeros(DataType.INT32, 24, 16));
    assertRefused(directory, "tensor=" + name, "dtype=I32");
    rewrite(directory, name, Nd4j.zeros(DataType.FLOAT, 24, 16));
    rewrite(directory, "text_model.more", Nd4j.zeros(DataType.FLOAT, 2));
    assertRefused(directory, "tensor=text_model.more is no part of a CLIPModel");
  }

  @Test
  void shardsAndTheirIndexMustAgree() throws IOException {
    Path directory = copy("sharded");
    Path index = directory.resolve("model.safetensors.index.json");
    String text = Files.readString(index);
    String first = "model-00001-of-00002.safetensors";
    Files.writeString(
        index,
        text.replaceFirst(
            "\"logit_scale\": \"" + first, "\"logit_scale\": \"model-00002-of-00002.safetensors"));
    assertRefused(directory, "logit_scale", "is in " + first);
    Files.writeString(
        index, text.replaceFirst("\"logit_scale\"", "\"absent\": \"" + first + "\", $0"));
    assertRefused(directory, "tensor='absent' is missing in " + first);
    Files.writeString(index, text.replaceFirst("\"logit_scale\": \"", "\"logit_scale\": \"../"));
    assertRefused(directory, "logit_scale", "expected the name of a safetensors file");
    Files.writeString(index, text);
    Files.delete(directory.resolve(first));
    assertRefused(directory, "file=" + first + " is missing");
    Files.delete(index);
    assertRefused(directory, "neither model.safetensors nor model.safetensors.index.json");
  }

  @Test
  void aTokenizerThatDoesNotFitIsRefused() throws IOException {
    Path directory = copy("plain");
    Files.write(directory.resolve("tokenizer.json"), Pairs.tokenizer(1));
    assertRefused(directory, "Cannot use tokenizer", "end with token 1", "eos_token_id=39");
    setEnd(directory, "39", "1");
    assertThat(HfClip.read(ModelFiles.of(directory)).files())
        .containsOnlyKeys("config.json", "tokenizer.json");
  }
}
