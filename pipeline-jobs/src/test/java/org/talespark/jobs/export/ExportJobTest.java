package org.talespark.jobs.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.jobs.train.TrainedModels;
import org.talespark.zoo.io.SafetensorsFile;
import org.talespark.zoo.text.TextEncoder;

@Timeout(60)
class ExportJobTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  private ExportJob.Result export(Path run, Path out) throws IOException {
    ExportJob job = job(run, Format.DIFFUSERS, out);
    ExportJob.Result result = job.run();
    assertThat(out.resolve("result.json")).doesNotExist();
    job.commit(result, "{\"format\":\"diffusers\"}");
    assertThat(result.files()).allSatisfy(file -> assertThat(out.resolve(file)).isNotEmptyFile());
    return result;
  }

  private static ExportJob job(Path run, Format format, Path out) {
    return new ExportJob(
        run.toUri().toString(), format, out.toUri().toString(), new Configuration());
  }

  private static JsonNode json(Path file) throws IOException {
    return JSON.readTree(Files.readString(file, UTF_8));
  }

  private static Map<String, String> shapes(Path file) throws IOException {
    Map<String, String> shapes = new TreeMap<>();
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      opened.header().tensors().forEach((name, info) -> shapes.put(name, "" + info.shape()));
    }
    return shapes;
  }

  /** The layout of {@code UNet2DConditionModel} for widths 4 and 8, 4 channels, texts of 8. */
  private static Map<String, String> uNetShapes() {
    Map<String, String> shapes = new TreeMap<>();
    conv(shapes, "conv_in", 4, 4, 3);
    linear(shapes, "time_embedding.linear_1", 4, 16);
    linear(shapes, "time_embedding.linear_2", 16, 16);
    linear(shapes, "class_embedding.linear_1", 8, 16);
    linear(shapes, "class_embedding.linear_2", 16, 16);
    residual(shapes, "down_blocks.0.resnets.0", 4, 4);
    conv(shapes, "down_blocks.0.downsamplers.0.conv", 4, 4, 3);
    residual(shapes, "down_blocks.1.resnets.0", 4, 8);
    transformer(shapes, "down_blocks.1.attentions.0");
    residual(shapes, "mid_block.resnets.0", 8, 8);
    transformer(shapes, "mid_block.attentions.0");
    residual(shapes, "mid_block.resnets.1", 8, 8);
    residual(shapes, "up_blocks.0.resnets.0", 16, 8);
    transformer(shapes, "up_blocks.0.attentions.0");
    residual(shapes, "up_blocks.0.resnets.1", 12, 8);
    transformer(shapes, "up_blocks.0.attentions.1");
    conv(shapes, "up_blocks.0.upsamplers.0.conv", 8, 8, 3);
    residual(shapes, "up_blocks.1.resnets.0", 12, 4);
    residual(shapes, "up_blocks.1.resnets.1", 8, 4);
    norm(shapes, "conv_norm_out", 4);
    conv(shapes, "conv_out", 4, 4, 3);
    return shapes;
  }

  private static void conv(Map<String, String> shapes, String name, int in, int out, int kernel) {
    shapes.put(name + ".weight", "" + List.of(out, in, kernel, kernel));
    shapes.put(name + ".bias", "" + List.of(out));
  }

  private static void linear(Map<String, String> shapes, String name, int in, int out) {
    shapes.put(name + ".weight", "" + List.of(out, in));
    shapes.put(name + ".bias", "" + List.of(out));
  }

  private static void norm(Map<String, String> shapes, String name, int width) {
    shapes.put(name + ".weight", "" + List.of(width));
    shapes.put(name + ".bias", "" + List.of(width));
  }

  private static void residual(Map<String, String> shapes, String name, int in, int out) {
    norm(shapes, name + ".norm1", in);
    conv(shapes, name + ".conv1", in, out, 3);
    linear(shapes, name + ".time_emb_proj", 16, out);
    norm(shapes, name + ".norm2", out);
    conv(shapes, name + ".conv2", out, out, 3);
    if (in != out) {
      conv(shapes, name + ".conv_shortcut", in, out, 1);
    }
  }

  private static void transformer(Map<String, String> shapes, String name) {
    norm(shapes, name + ".norm", 8);
    conv(shapes, name + ".proj_in", 8, 8, 1);
    String block = name + ".transformer_blocks.0.";
    for (String part : List.of("1", "2", "3")) {
      norm(shapes, block + "norm" + part, 8);
    }
    for (String part : List.of("attn1", "attn2")) {
      for (String projection : List.of("to_q", "to_k", "to_v")) {
        shapes.put(block + part + "." + projection + ".weight", "[8, 8]");
      }
      linear(shapes, block + part + ".to_out.0", 8, 8);
    }
    linear(shapes, block + "ff.net.0.proj", 8, 64);
    linear(shapes, block + "ff.net.2", 32, 8);
    conv(shapes, name + ".proj_out", 8, 8, 1);
  }

  /** The layout of {@code VQModel} for widths 8 and 8, without attention. */
  private static Map<String, String> vqShapes() {
    Map<String, String> shapes = new TreeMap<>();
    conv(shapes, "encoder.conv_in", 3, 8, 3);
    vqResidual(shapes, "encoder.down_blocks.0.resnets.0");
    conv(shapes, "encoder.down_blocks.0.downsamplers.0.conv", 8, 8, 3);
    vqResidual(shapes, "encoder.down_blocks.1.resnets.0");
    vqResidual(shapes, "encoder.mid_block.resnets.0");
    vqResidual(shapes, "encoder.mid_block.resnets.1");
    norm(shapes, "encoder.conv_norm_out", 8);
    conv(shapes, "encoder.conv_out", 8, 4, 3);
    conv(shapes, "quant_conv", 4, 4, 1);
    shapes.put("quantize.embedding.weight", "[16, 4]");
    conv(shapes, "post_quant_conv", 4, 4, 1);
    conv(shapes, "decoder.conv_in", 4, 8, 3);
    vqResidual(shapes, "decoder.mid_block.resnets.0");
    vqResidual(shapes, "decoder.mid_block.resnets.1");
    for (int level = 0; level < 2; level++) {
      vqResidual(shapes, "decoder.up_blocks.%d.resnets.0".formatted(level));
      vqResidual(shapes, "decoder.up_blocks.%d.resnets.1".formatted(level));
    }
    conv(shapes, "decoder.up_blocks.0.upsamplers.0.conv", 8, 8, 3);
    norm(shapes, "decoder.conv_norm_out", 8);
    conv(shapes, "decoder.conv_out", 8, 3, 3);
    return shapes;
  }

  private static void vqResidual(Map<String, String> shapes, String name) {
    norm(shapes, name + ".norm1", 8);
    conv(shapes, name + ".conv1", 8, 8, 3);
    norm(shapes, name + ".norm2", 8);
    conv(shapes, name + ".conv2", 8, 8, 3);
  }

  @Test
  void aModelOfTextsAndLatentsHasTheLayoutOfDiffusers() throws IOException {
    Path run = TrainedModels.textToImage(folder);
    Path out = folder.resolve("out");
    ExportJob.Result result = export(run, out);
    assertThat(result.files())
        .containsExactly(
            "README.md",
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "tokenizer/tokenizer.json",
            "tokenizer/tokenizer_config.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "vqvae/config.json",
            "vqvae/diffusion_pytorch_model.safetensors");
    JsonNode index = json(out.resolve("model_index.json"));
    assertThat(index.get("unet").toString()).isEqualTo("[\"diffusers\",\"UNet2DConditionModel\"]");
    assertThat(index.get("vqvae").toString()).isEqualTo("[\"diffusers\",\"VQModel\"]");
    assertThat(index.get("scheduler").toString()).isEqualTo("[\"diffusers\",\"DDPMScheduler\"]");
    assertThat(index.get("text_encoder").toString())
        .isEqualTo("[\"transformers\",\"CLIPTextModel\"]");
    JsonNode unet = json(out.resolve("unet/config.json"));
    assertThat(unet.get("_class_name").asText()).isEqualTo("UNet2DConditionModel");
    assertThat(unet.get("sample_size").asInt()).isEqualTo(16);
    assertThat(unet.get("cross_attention_dim").asInt()).isEqualTo(8);
    assertThat(unet.get("class_embed_type").asText()).isEqualTo("projection");
    assertThat(shapes(out.resolve("unet/diffusion_pytorch_model.safetensors")))
        .isEqualTo(uNetShapes());
    assertThat(json(out.resolve("scheduler/scheduler_config.json")).get("clip_sample").asBoolean())
        .as("latents are not limited")
        .isFalse();
    assertThat(shapes(out.resolve("vqvae/diffusion_pytorch_model.safetensors")))
        .isEqualTo(vqShapes());
    JsonNode vqvae = json(out.resolve("vqvae/config.json"));
    assertThat(vqvae.get("num_vq_embeddings").asInt()).isEqualTo(16);
    assertThat(vqvae.get("mid_block_add_attention").asBoolean()).isFalse();
    assertThat(vqvae.get("latents_mean").toString()).isEqualTo("[0.1,0.0,-0.1,0.2]");
    assertThat(vqvae.get("latents_std").toString()).isEqualTo("[0.5,0.6,0.7,0.8]");
    JsonNode encoder = json(out.resolve("text_encoder/config.json"));
    assertThat(encoder.get("hidden_act").asText()).isEqualTo("quick_gelu");
    assertThat(encoder.get("eos_token_id").asInt()).isEqualTo(2);
    assertThat(shapes(out.resolve("text_encoder/model.safetensors")))
        .hasSize(20)
        .containsEntry("text_model.embeddings.token_embedding.weight", "[7, 8]")
        .containsEntry("text_model.encoder.layers.0.mlp.fc1.weight", "[16, 8]");
    assertThat(out.resolve("tokenizer/tokenizer.json")).hasContent(TrainedModels.TOKENIZER);
    JsonNode tokenizer = json(out.resolve("tokenizer/tokenizer_config.json"));
    assertThat(tokenizer.get("pad_token").asText()).isEqualTo("<pad>");
    assertThat(tokenizer.get("eos_token").asText()).isEqualTo("<eos>");
    assertThat(Files.readString(out.resolve("README.md"), UTF_8))
        .contains("| `unet` | `UNet2DConditionModel` |")
        .contains("latents_std")
        .contains("it is not pooler_output");
  }

  @Test
  void whatOfTextsHasNoPlaceInClassesIsAPartOfItsOwn() throws IOException {
    Path out = folder.resolve("out");
    Path run = TrainedModels.textToImage(folder, "pooling: words, token_shift: true");
    ExportJob.Result result = export(run, out);
    assertThat(shapes(out.resolve("text_words/model.safetensors")))
        .containsExactlyEntriesOf(Map.of("weight", "[7, 8]"));
    assertThat(shapes(out.resolve("unet/diffusion_pytorch_model.safetensors")))
        .isEqualTo(uNetShapes());
    JsonNode unet = json(out.resolve("unet/config.json"));
    assertThat(unet.get("projection_class_embeddings_input_dim").asInt()).isEqualTo(8);
    assertThat(result.notes())
        .anyMatch(note -> note.startsWith("class_labels is the sum of text_words/"))
        .anyMatch(note -> note.contains("add text_previous/model.safetensors's rows"));
    assertThat(shapes(out.resolve("text_previous/model.safetensors")))
        .containsExactlyEntriesOf(Map.of("weight", "[7, 8]"));
    assertThat(shapes(out.resolve("text_encoder/model.safetensors")))
        .hasSize(20)
        .doesNotContainKey(TextEncoder.PREVIOUS);
  }

  @Test
  void theExportedWeightsAreTheAveragedOnes() throws IOException {
    Path run = TrainedModels.diffusion(folder.resolve("run"));
    Path out = folder.resolve("out");
    assertThat(export(run, out).classes())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("unet", "UNet2DConditionModel", "scheduler", "DDPMScheduler"));
    Path averaged = run.resolve("checkpoints/step-00000004/ema.safetensors");
    Path exported = out.resolve("unet/diffusion_pytorch_model.safetensors");
    try (SafetensorsFile a = SafetensorsFile.open(averaged);
        SafetensorsFile b = SafetensorsFile.open(exported)) {
      assertThat(b.header().tensors().keySet())
          .filteredOn(
              name -> !name.contains(".attn2.") && !name.contains(".transformer_blocks.0.norm2."))
          .containsExactlyInAnyOrderElementsOf(a.header().tensors().keySet());
      for (String name : a.header().tensors().keySet()) {
        try (INDArray x = a.tensor(name).load();
            INDArray y = b.tensor(name).load()) {
          assertThat(y).as(name).isEqualTo(x);
        }
      }
    }
  }

  @Test
  void aModelWithoutAClassThereIsExportedUnderItsOwn() throws IOException {
    Path run =
        TrainedModels.diffusion(
            folder.resolve("run"),
            "task.model={type: dit, channels: 3, patch_size: 4, hidden_size: 8, depth: 1, num_heads: 2, context_dimension: 0}");
    Path out = folder.resolve("out");
    ExportJob.Result result = export(run, out);
    assertThat(result.classes()).containsEntry("transformer", "TalesparkDiT");
    assertThat(result.notes()).anyMatch(note -> note.contains("no class for this DiT"));
    JsonNode config = json(out.resolve("transformer/config.json"));
    assertThat(config.get("_class_name").asText()).isEqualTo("TalesparkDiT");
    assertThat(config.at("/model/patch_size").asInt()).isEqualTo(4);
    assertThat(json(out.resolve("model_index.json")).get("transformer").get(0).asText())
        .isEqualTo("talespark");
  }

  @Test
  void aVqGanAloneIsTheRootOfItsExport() throws IOException {
    Path run = TrainedModels.vqGan(folder.resolve("run"), "task.model.quantizer.similarity=cosine");
    Path out = folder.resolve("out");
    assertThat(export(run, out).classes()).containsExactly(Map.entry(".", "VQModel"));
    assertThat(json(out.resolve("config.json")).get("_class_name").asText()).isEqualTo("VQModel");
    Path weights = out.resolve("diffusion_pytorch_model.safetensors");
    assertThat(shapes(weights)).isEqualTo(vqShapes());
    Path averaged = run.resolve("checkpoints/step-00000004/ema.safetensors");
    try (SafetensorsFile ours = SafetensorsFile.open(averaged);
        SafetensorsFile theirs = SafetensorsFile.open(weights);
        INDArray codes = ours.tensor("quantize.embedding.weight").load();
        INDArray unit = theirs.tensor("quantize.embedding.weight").load()) {
      for (int i = 0; i < 16; i++) {
        double norm = codes.getRow(i).norm2Number().doubleValue();
        INDArray expected = codes.getRow(i).div(Math.max(norm, 1e-6)); // a code may be zero
        assertThat(unit.getRow(i).distance2(expected)).as("code %d", i).isLessThan(1e-5);
      }
    }
  }

  @Test
  void aClipIsADirectoryOfHuggingFacesAndItsAdaptersAreMergedOrByThemselves() throws IOException {
    Path base = TrainedModels.clip(folder);
    Path run = TrainedModels.adapters(folder.resolve("adapted"), base);
    Path merged = folder.resolve("merged");
    ExportJob.Result result = job(run, Format.HF, merged).run();
    assertThat(result.classes()).containsExactly(Map.entry(".", "CLIPModel"));
    assertThat(result.files())
        .containsExactly(
            "README.md",
            "config.json",
            "model.safetensors",
            "preprocessor_config.json",
            "tokenizer.json",
            "tokenizer_config.json");
    assertThat(json(merged.resolve("config.json")).get("architectures").toString())
        .isEqualTo("[\"CLIPModel\"]");
    Path whole = folder.resolve("whole");
    job(base, Format.HF, whole).run();
    assertThat(shapes(merged.resolve("model.safetensors")))
        .isEqualTo(shapes(whole.resolve("model.safetensors")))
        .containsEntry("logit_scale", "[]");
    assertThat(whole.resolve("config.json")).hasSameBinaryContentAs(merged.resolve("config.json"));
    assertThat(merged.resolve("model.safetensors").toFile().length())
        .isEqualTo(whole.resolve("model.safetensors").toFile().length());

    Path peft = folder.resolve("peft");
    ExportJob.Result adapter = job(run, Format.PEFT, peft).run();
    assertThat(adapter.classes()).containsExactly(Map.entry(".", "PeftModel"));
    Path checkpoint = run.resolve("checkpoints/step-00000004");
    for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
      assertThat(peft.resolve(file)).hasSameBinaryContentAs(checkpoint.resolve(file));
    }
    assertThat(Files.readString(peft.resolve("README.md"), UTF_8))
        .contains("/clip/checkpoints/step-00000004");
    assertThatThrownBy(() -> job(base, Format.PEFT, folder.resolve("none")).run())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a checkpoint with adapters");
  }

  @Test
  void formatsThatAFamilyDoesNotHaveAreRefused() throws IOException {
    Path run = TrainedModels.diffusion(folder.resolve("run"));
    for (Format format : Arrays.asList(Format.HF, Format.PEFT)) {
      assertThatThrownBy(() -> job(run, format, folder.resolve("out")).run())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("format=%s, expected one of [diffusers]", format.id());
    }
    assertThat(folder.resolve("out")).doesNotExist();
    assertThatThrownBy(() -> Format.of("difusers")).hasMessageContaining("did you mean diffusers?");
  }
}
