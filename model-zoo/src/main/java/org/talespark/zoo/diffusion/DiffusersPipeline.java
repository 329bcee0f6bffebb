package org.talespark.zoo.diffusion;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.io.ExportedFile;
import org.talespark.zoo.io.ExportedModel;
import org.talespark.zoo.text.ClipTextFile;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.vq.DiffusersVqModel;

/**
 * A diffusion model in diffusers' layout: a directory for each part, each loaded by a class of its
 * own, and {@code model_index.json}, which names them. Tensors have their names there already.
 */
public final class DiffusersPipeline {
  /** The first release with all keys. */
  private static final String RELEASE = "0.26.0";

  private static final String DIFFUSERS = "diffusers";
  private static final String TRANSFORMERS = "transformers";
  private static final String OURS = "talespark";
  private static final String WEIGHTS = "/diffusion_pytorch_model.safetensors";
  private static final String TEXT_MODEL = "text_model.";

  private final Pretrained checkpoint;
  private final DiffusionFile file;
  private final List<ExportedFile> files = new ArrayList<>();
  private final Map<String, Object> index = new LinkedHashMap<>();
  private final Map<String, String> classes = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();

  private DiffusersPipeline(Pretrained checkpoint) {
    this.checkpoint = checkpoint;
    this.file = DiffusionFile.of(checkpoint.config());
  }

  /** The files of a checkpoint. */
  public static ExportedModel of(Pretrained checkpoint) {
    return new DiffusersPipeline(checkpoint).export();
  }

  private ExportedModel export() {
    index.put("_class_name", "DiffusionPipeline");
    index.put("_diffusers_version", RELEASE);
    notes.add(
        "No pipeline of diffusers puts just these parts together: load each one with its class, from its directory.");
    denoiser();
    part("scheduler", DIFFUSERS, DiffusersScheduler.CLASS);
    files.add(
        ExportedFile.json(
            "scheduler/scheduler_config.json",
            config(
                DiffusersScheduler.CLASS,
                DiffusersScheduler.config(file.noise(), file.prediction(), file.clip()))));
    if (file.latents() != null) {
      firstStage();
    }
    if (file.text() != null) {
      texts();
    }
    files.add(ExportedFile.json("model_index.json", index));
    return new ExportedModel(files, classes, notes);
  }

  private void denoiser() {
    Map<String, INDArray> tensors = new LinkedHashMap<>(checkpoint.tensors());
    tensors.keySet().removeIf(name -> name.startsWith(TEXT_MODEL) || name.equals(TextInputs.WORDS));
    String directory;
    Map<String, Object> config;
    if (file.model() instanceof UNet2DCondition.Config model && DiffusersUNet.loads(model)) {
      directory = "unet";
      part(directory, DIFFUSERS, DiffusersUNet.CLASS);
      int pooled = pooling() != TextPooling.NONE ? model.contextDimension() : 0;
      config = config(DiffusersUNet.CLASS, DiffusersUNet.config(model, file.sampleSize(), pooled));
      tensors = DiffusersUNet.tensors(model, tensors);
      if (file.text() == null) {
        notes.add(
            "The class has no U-Net without cross-attention: it is there with weights of zero, and any text of width 1 will do, such as encoder_hidden_states=torch.zeros(batch, 1, 1).");
      }
    } else {
      boolean unet = file.model() instanceof UNet2DCondition.Config;
      directory = unet ? "unet" : "transformer";
      String name = unet ? "TalesparkUNet" : "TalesparkDiT";
      part(directory, OURS, name);
      config =
          config(
              name,
              Map.of("model", checkpoint.config().get("model"), "sample_size", file.sampleSize()));
      notes.add(
          unet
              ? "Diffusers has no class for this U-Net (%s), since its heads are not as wide as a level divided by their number; its tensors and configuration have Talespark's names."
                  .formatted(name)
              : "Diffusers has no class for this DiT (%s); its tensors and configuration have Talespark's names."
                  .formatted(name));
    }
    files.add(ExportedFile.json(directory + "/config.json", config));
    files.add(ExportedFile.tensors(directory + WEIGHTS, tensors));
  }

  private void firstStage() {
    Map<String, Object> more = new LinkedHashMap<>();
    more.put("latents_mean", file.latents().mean());
    more.put("latents_std", file.latents().deviation());
    ExportedModel model = DiffusersVqModel.of(checkpoint.part(DiffusionFile.FIRST_STAGE), more);
    String name = model.classes().get(".");
    part("vqvae", name.equals(DiffusersVqModel.CLASS) ? DIFFUSERS : OURS, name);
    model.files().forEach(f -> files.add(new ExportedFile("vqvae/" + f.path(), f.body())));
    notes.addAll(model.notes());
    notes.add(
        "Samples are latents, (z - latents_mean) / latents_std channel by channel, both of vqvae/config.json, where the class warns that it does not know them; vqvae.decode(z) quantises z first.");
  }

  private void texts() {
    Pretrained encoder = checkpoint;
    TextEncoder.Config config;
    if (file.text() instanceof TextContext.Encoder trained) {
      config = trained.model();
    } else {
      encoder = checkpoint.part(DiffusionFile.TEXT_ENCODER);
      config = TextTower.config(encoder);
    }
    Map<String, INDArray> tensors = new LinkedHashMap<>(encoder.tensors());
    tensors.keySet().removeIf(name -> !name.startsWith(TEXT_MODEL));
    INDArray previous = tensors.remove(TextEncoder.PREVIOUS);
    int tokens = file.text().tokens();
    ClipTextFile clip = new ClipTextFile(config, checkpoint.file(Tokenizer.FILE), tokens);
    part("text_encoder", TRANSFORMERS, ClipTextFile.CLASS);
    part("tokenizer", TRANSFORMERS, ClipTextFile.TOKENIZER_CLASS);
    files.addAll(clip.encoder("text_encoder", tensors));
    files.addAll(clip.tokenizer("tokenizer"));
    notes.add(
        "A text has %d tokens, padded with id 0; encoder_hidden_states is last_hidden_state, and encoder_attention_mask is 0 at the padding. The model was guided by %s away from the empty text."
            .formatted(tokens, file.guidance()));
    if (previous != null) {
      tokenShift(previous);
    }
    switch (pooling()) {
      case NONE -> {}
      case LAST ->
          notes.add(
              "class_labels is last_hidden_state at a text's last token"
                  + (clip.findsEnds()
                      ? ", which is pooler_output."
                      : "; it is not pooler_output, since the class takes the token with the highest id for the last where eos_token_id is 2."));
      case WORDS -> words();
    }
  }

  private void tokenShift(INDArray table) {
    String path = table("text_previous", table);
    notes.add(
        "The encoder also reads the token before each: to what text_encoder.text_model.embeddings.token_embedding returns, add %s's rows at the tokens moved by one, the first token staying where it is (input_ids[:, [0, *range(n - 1)]]); a forward hook can do that."
            .formatted(path));
  }

  private void words() {
    String path = table("text_words", checkpoint.tensors().get(TextInputs.WORDS));
    notes.add(
        "class_labels is the sum of %s's rows at a text's tokens, without padding, over the root of their number: load it into torch.nn.Embedding."
            .formatted(path));
  }

  /** Vectors that torch.nn.Embedding loads. */
  private String table(String directory, INDArray weight) {
    String path = directory + "/model.safetensors";
    files.add(ExportedFile.tensors(path, Map.of("weight", weight)));
    return path;
  }

  private TextPooling pooling() {
    return file.text() == null ? TextPooling.NONE : file.text().pooling();
  }

  private void part(String directory, String library, String name) {
    index.put(directory, List.of(library, name));
    classes.put(directory, name);
  }

  private static Map<String, Object> config(String name, Map<String, Object> keys) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("_class_name", name);
    config.put("_diffusers_version", RELEASE);
    config.putAll(keys);
    return config;
  }
}
