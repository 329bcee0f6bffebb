package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.data.BadInputException;
import org.talespark.zoo.contrastive.ClipExport;
import org.talespark.zoo.io.ExportedFile;
import org.talespark.zoo.io.SafetensorsFile;
import org.talespark.zoo.lora.PeftAdapter;
import org.talespark.zoo.lora.PeftExport;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.Pretrained;

/** Checkpoints and directories that hold adapters, and how they are opened. */
@Timeout(120)
class AdaptedCheckpointTest {
  private static final Configuration HADOOP = new Configuration();

  @TempDir private static Path folder;
  private static Path base;
  private static Path run;

  @TempDir private Path fresh;

  @BeforeAll
  static void train() throws IOException {
    base = TrainedModels.clip(folder);
    run = TrainedModels.adapters(folder.resolve("adapted"), base);
  }

  private static Pretrained open(Path directory) {
    return LearnerFiles.pretrained(HADOOP).apply(Tiny.uri(directory));
  }

  private static Map<String, INDArray> tensors(Path file) throws IOException {
    Map<String, INDArray> tensors = new TreeMap<>();
    try (SafetensorsFile open = SafetensorsFile.open(file)) {
      for (String name : open.header().tensors().keySet()) {
        tensors.put(name, open.tensor(name).load());
      }
    }
    return tensors;
  }

  private static void same(Map<String, INDArray> found, Map<String, INDArray> expected) {
    assertThat(found.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
    expected.forEach((name, tensor) -> assertThat(far(found.get(name), tensor)).as(name).isZero());
  }

  /** The largest difference; zero means to the bit, which equals() does not. */
  private static double far(INDArray a, INDArray b) {
    return a.sub(b).amaxNumber().doubleValue();
  }

  private static void write(Iterable<ExportedFile> files, Path directory) throws IOException {
    Files.createDirectories(directory);
    for (ExportedFile file : files) {
      try (var out = Files.newOutputStream(directory.resolve(file.path()))) {
        file.body().writeTo(out);
      }
    }
  }

  /** A PEFT directory of the run's adapters whose base is where {@code path} says. */
  private Path peft(String path) throws IOException {
    Path directory = fresh.resolve("peft");
    write(PeftExport.of(open(run)).files(), directory);
    Path file = directory.resolve(PeftAdapter.CONFIG);
    String config = Files.readString(file, UTF_8);
    JsonNode named = new ObjectMapper().readTree(config).get("base_model_name_or_path");
    assertThat(named.asText()).endsWith("/clip/checkpoints/step-00000004");
    Files.writeString(file, config.replace(named.asText(), path), UTF_8);
    return directory;
  }

  @Test
  void aCheckpointHoldsTheAdaptersAloneAndNamesItsBase() throws IOException {
    Path checkpoint = Tiny.checkpoint(run, 4);
    Map<String, INDArray> adapters = tensors(checkpoint.resolve("adapter_model.safetensors"));
    assertThat(adapters).hasSize(2 * 3 * 2); // A and B of q_proj, v_proj and fc1 in both towers
    same(tensors(checkpoint.resolve("ema.safetensors")), adapters);
    assertThat(tensors(checkpoint.resolve("model.safetensors")).keySet())
        .isEqualTo(adapters.keySet());
    assertThat(checkpoint.resolve("tokenizer.json"))
        .hasSameBinaryContentAs(Tiny.checkpoint(base, 4).resolve("tokenizer.json"));
    JsonNode named = Tiny.json(checkpoint.resolve("config.json")).get("base");
    assertThat(named.get("checkpoint").asText()).endsWith("/clip/checkpoints/step-00000004");
    assertThat(named.get("sha256").asText())
        .isEqualTo(RunDirectory.checkpoint(Tiny.uri(base), HADOOP).sha256("ema.safetensors"));
  }

  @Test
  void openedItIsItsBaseWithTheAdaptersMerged() throws IOException {
    Pretrained opened = open(run);
    Map<String, INDArray> expected = new HashMap<>(open(base).tensors());
    Path checkpoint = Tiny.checkpoint(run, 4);
    PeftAdapter.of(
            Files.readAllBytes(checkpoint.resolve(PeftAdapter.CONFIG)),
            tensors(checkpoint.resolve(PeftAdapter.WEIGHTS)))
        .mergeInto(expected);
    same(opened.tensors(), expected);
    Map<String, INDArray> before = open(base).tensors();
    opened
        .tensors()
        .forEach(
            (name, tensor) -> {
              boolean target = name.matches(".*(q_proj|v_proj|fc1)\\.weight");
              assertThat(far(tensor, before.get(name)) > 0).as(name).isEqualTo(target);
            });
    assertThat(opened.config().get("model_type").asText()).isEqualTo("clip");
  }

  @Test
  void aPeftDirectoryIsOpenedLikeTheCheckpointThatItCameFrom() throws IOException {
    Pretrained opened = open(peft(Tiny.uri(base)));
    same(opened.tensors(), open(run).tensors());
    assertThat(opened.files()).containsKeys("tokenizer.json", "preprocessor_config.json");
    UsedCheckpoint found = UsedCheckpoint.find(Tiny.uri(fresh.resolve("peft")), HADOOP);
    assertThat(found.described().config()).isEqualTo(open(base).config());
    assertThat(found.sha256()).hasSize(64);
  }

  @Test
  void aRelativeBaseBeginsAtTheAdaptersDirectory() throws IOException {
    Path directory = peft("../model");
    Tiny.copy(base, fresh.resolve("model"));
    same(open(directory).tensors(), open(run).tensors());
  }

  @Test
  void aHuggingFaceDirectoryIsABaseAndAnExportIsOne() throws IOException {
    Path directory = fresh.resolve("hf");
    write(ClipExport.of(open(run)).files(), directory);
    assertThat(directory).isDirectoryContaining("glob:**/tokenizer_config.json");
    assertThat(directory).isDirectoryNotContaining("glob:**/adapter_*");
    same(open(directory).tensors(), open(run).tensors());
    // adapters on adapters: the base is the whole model
    Path second = TrainedModels.adapters(fresh.resolve("second"), directory);
    Path third = TrainedModels.adapters(fresh.resolve("third"), run);
    same(open(second).tensors(), open(third).tensors());
    same(open(directory).tensors(), open(run).tensors());
  }

  @Test
  void aBaseThatIsNotTheSameIsRefused() throws IOException {
    Path moved = fresh.resolve("moved");
    Tiny.copy(base, moved);
    Path adapted = TrainedModels.adapters(fresh.resolve("adapted"), moved);
    Tiny.delete(moved);
    assertThatThrownBy(() -> open(adapted))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("Cannot use adapters")
        .hasMessageContaining("/moved/checkpoints/step-00000004");
    Tiny.copy(TrainedModels.clip(Files.createDirectory(fresh.resolve("other"))), moved);
    same(open(adapted).tensors(), open(run).tensors()); // the same training gives the same weights
    Tiny.delete(moved);
    Tiny.copy(TrainedModels.adapters(fresh.resolve("others"), base), moved);
    assertThatThrownBy(() -> open(adapted))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("belongs to base=")
        .hasMessageContaining("sha256=");
    Path nameless = peft("");
    assertThatThrownBy(() -> open(nameless))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("names no base_model_name_or_path");
  }

  @Test
  void aTaskWithAdaptersNeedsItsBase() throws IOException {
    LearnerConfig open = Tiny.config(Tiny.ADAPTERS).task();
    assertThatThrownBy(() -> AdapterBase.given(open, null, HADOOP))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("task.lora needs a base")
        .hasMessageContaining("--base");
    LearnerConfig given = AdapterBase.given(open, Tiny.uri(base), HADOOP);
    assertThat(AdapterBase.given(given, null, HADOOP)).isSameAs(given);
    LearnerConfig plain = Tiny.config().task();
    assertThat(AdapterBase.given(plain, "nowhere", HADOOP)).isSameAs(plain);
    assertThatThrownBy(() -> PeftExport.of(open(base)))
        .hasMessageContaining("expected a checkpoint with adapters");
  }
}
