package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.talespark.jobs.checkpoint.CheckpointStore;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;

/** Checkpoints of models that were trained for a few steps on random pictures, without Spark. */
public final class TrainedModels {
  private TrainedModels() {}

  /** A run directory with a diffusion model's checkpoint, of pictures of 32 pixels. */
  public static Path diffusion(Path run, String... settings) throws IOException {
    String[] all = new String[settings.length + 1];
    all[0] = Tiny.DIFFUSION;
    System.arraycopy(settings, 0, all, 1, settings.length);
    return trained(run, Tiny.config(all));
  }

  /** The same with a VQ-GAN's. */
  public static Path vqGan(Path run, String... settings) throws IOException {
    return trained(run, Tiny.config(settings));
  }

  /** The words that {@link #textToImage} knows. */
  public static final String TOKENIZER =
      """
      {"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
       "added_tokens": [
         {"id": 0, "content": "<pad>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
         {"id": 1, "content": "<bos>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
         {"id": 2, "content": "<eos>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
       "pre_tokenizer": {"type": "WhitespaceSplit"},
       "post_processor": {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"<bos>": {"id": "<bos>", "ids": [1], "tokens": ["<bos>"]}, "<eos>": {"id": "<eos>", "ids": [2], "tokens": ["<eos>"]}}},
       "model": {"type": "WordLevel", "unk_token": "<unk>",
         "vocab": {"<pad>": 0, "<bos>": 1, "<eos>": 2, "<unk>": 3, "a": 4, "red": 5, "house": 6}}}
      """;

  /** A model of a VQ-GAN's latents, [4, 16, 16], that reads texts. */
  public static Path textToImage(Path folder) throws IOException {
    return textToImage(folder, "pooling: last");
  }

  /** The same with other settings of {@code text}. */
  public static Path textToImage(Path folder, String text) throws IOException {
    Path first = vqGan(folder.resolve("first-stage"));
    Path tokenizer = Files.writeString(folder.resolve("tokenizer.json"), TOKENIZER, UTF_8);
    return diffusion(
        folder.resolve("run"),
        "data.flip=false",
        "task.model.channels=4",
        "task.model.context_dimension=8",
        """
        task.text={type: encoder, tokenizer: "%s", tokens: 6, %s, model: {
          vocab_size: 7, hidden_size: 8, intermediate_size: 16, num_hidden_layers: 1,
          num_attention_heads: 2, max_position_embeddings: 6, layer_norm_eps: 1.0e-5}}
        """
            .formatted(Tiny.uri(tokenizer), text),
        """
        task.first_stage={checkpoint: "%s", space: {sha256: "%s", channels: 4, side: 16,
          mean: [0.1, 0.0, -0.1, 0.2], deviation: [0.5, 0.6, 0.7, 0.8]}}
        """
            .formatted(Tiny.uri(first), sha256(first)));
  }

  /** The words that {@link #clip} knows, and where they begin among its tokens. */
  private static final String WORDS =
      "a an the in on at of with and red blue green yellow orange purple pink white black brown small"
          + " big tiny large cat dog fox owl mouse bird fish tree house boat car ball star flower"
          + " forest meadow beach sea snow night city park desert room garden mountain";

  /** A CLIP of pictures of 32 pixels and of some of the scenes' words. */
  public static Path clip(Path folder, String... settings) throws IOException {
    StringBuilder vocabulary =
        new StringBuilder("\"<pad>\": 0, \"<eos>\": 1, \"<bos>\": 2, \"<unk>\": 3");
    String[] words = WORDS.split(" ", -1);
    for (int i = 0; i < words.length; i++) {
      vocabulary.append(", \"%s\": %d".formatted(words[i], 4 + i));
    }
    String tokenizer =
        """
        {"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
         "added_tokens": [
           {"id": 1, "content": "<eos>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
         "pre_tokenizer": {"type": "Whitespace"},
         "post_processor": {"type": "TemplateProcessing",
           "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
           "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}, "<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}}},
         "model": {"type": "WordLevel", "unk_token": "<unk>", "vocab": {%s}}}
        """
            .formatted(vocabulary);
    Path file = Files.writeString(folder.resolve("clip-tokenizer.json"), tokenizer, UTF_8);
    List<String> all = new ArrayList<>(List.of(Tiny.contrastive(file), "data.flip=false"));
    all.addAll(List.of(settings));
    return trained(folder.resolve("clip"), Tiny.config(all.toArray(String[]::new)));
  }

  /** The same CLIP as a Hugging Face directory. */
  public static Path clipDirectory(Path run, Path directory) throws IOException {
    Path checkpoint = run.resolve("checkpoints").resolve("step-00000004");
    Files.createDirectories(directory);
    for (String name : List.of("config.json", "tokenizer.json", "preprocessor_config.json")) {
      Files.copy(checkpoint.resolve(name), directory.resolve(name));
    }
    Files.copy(checkpoint.resolve(LearnerFiles.EMA), directory.resolve(LearnerFiles.MODEL));
    return directory;
  }

  /** Adapters on a CLIP, which may be anything that {@code --base} takes. */
  public static Path adapters(Path run, Path base) throws IOException {
    TrainConfig config = Tiny.config(Tiny.ADAPTERS, "data.flip=false");
    LearnerConfig task = AdapterBase.given(config.task(), Tiny.uri(base), new Configuration());
    return trained(run, config.withTask(task));
  }

  private static String sha256(Path run) throws IOException {
    return LearnerFiles.sha256(RunDirectory.checkpoint(Tiny.uri(run), new Configuration()));
  }

  private static Path trained(Path run, TrainConfig config) throws IOException {
    NativeRuntime.initialize(NativeRuntime.Settings.threads(1));
    Configuration hadoop = new Configuration();
    CheckpointStore store =
        new CheckpointStore(hadoop, new org.apache.hadoop.fs.Path(Tiny.uri(run)));
    int steps = 4;
    try (Learner learner = config.task().create(config.learnerContext(Reducer.ALONE, hadoop))) {
      learner.begun();
      for (int step = 0; step < steps; step++) {
        learner.step(batch(config, step), new Progress(step, (double) step / steps));
      }
      TrainerState state =
          TrainerState.of(new Position(steps, 0, 0), config, learner.counters(), Map.of());
      store.write(steps, LearnerFiles.of(learner, config, state));
    }
    return run;
  }

  /** Numbers of a picture, or of its latents. */
  private static int elements(TrainConfig config) {
    return config
        .task()
        .firstStageOfPictures()
        .map(stage -> stage.space().elements())
        .orElse(3 * config.data().size() * config.data().size());
  }

  private static Batch batch(TrainConfig config, int step) {
    int count = config.train().batch();
    float[] pictures = new float[count * elements(config)];
    Random random = new Random(step);
    for (int i = 0; i < pictures.length; i++) {
      pictures[i] = 2 * random.nextFloat() - 1;
    }
    List<String> keys = IntStream.range(0, count).mapToObj(i -> step + "-" + i).toList();
    return new Batch(keys, pictures, keys.stream().map(key -> "a red house").toList());
  }
}
