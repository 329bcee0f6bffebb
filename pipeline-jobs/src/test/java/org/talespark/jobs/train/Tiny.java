package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.talespark.data.prepare.PrepareConfig;
import org.talespark.data.prepare.PrepareJob;
import org.talespark.data.scenes.SceneCorpus;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.jobs.config.ConfigTree;

/** A corpus, a model and a cluster that are as small as they can be. */
public final class Tiny {
  static final String MASTER = "local-cluster[2,1,1536]";
  public static final int SIZE = 32;

  static final String RECIPE =
      """
      train:
        steps: 20
        minutes: null
        batch: 4
        workers: 2
        seed: 3
        strategy: allreduce
        precision: float32
        learning_rate: 2.0e-3
        checkpoint_every: 10
        keep_checkpoints: 2
      exchange: {timeout_seconds: 30}
      data: {size: 32, flip: true, evaluation_samples: 6}
      task:
        type: vq
        model:
          type: vqgan
          block_out_channels: [8, 8]
          layers_per_block: 1
          latent_channels: 4
          norm_num_groups: 4
          mid_block_add_attention: false
          quantizer:
            codes: 16
            dimension: 4
            learning: ema
            similarity: euclidean
            commitment: 0.25
            decay: 0.95
            dead_below: 0.02
        optimizer: {type: adam, beta1: 0.9, beta2: 0.99}
        schedule: {type: cosine, warmup_steps: 5, final_fraction: 0.1}
        l1_weight: 0.2
        l2_weight: 1.0
        quantizer_weight: 1.0
        perceptual: null
        adversarial: {loss: hinge, weight: 0.1, start: 0.3, warmup: 0.1, width: 8, norm: none, learning_rate: 2.0e-4}
        clip_norm: 1.0
        ema_decay: 0.9
      """;

  /** In place of the recipe's task, an unconditional U-Net. */
  public static final String DIFFUSION =
      """
      task={
        type: diffusion,
        model: {type: unet, channels: 3, block_out_channels: [4, 8], layers_per_block: 1,
          attention: [false, true], num_attention_heads: 2, attention_head_dim: 0,
          norm_num_groups: 2, context_dimension: 0},
        noise: {type: cosine},
        prediction: v_prediction,
        weighting: {type: min_snr, gamma: 5.0},
        evaluation_timesteps: 1,
        sampler: {type: dpm_solver, steps: 3},
        optimizer: {type: adamw, beta1: 0.9, beta2: 0.99, weight_decay: 0.01},
        schedule: {type: constant},
        clip_norm: 1.0,
        ema_decay: 0.9}
      """;

  private static final String CLIP =
      """
      {
        text_config: {vocab_size: 272, hidden_size: 8, intermediate_size: 16, num_hidden_layers: 1,
          num_attention_heads: 2, max_position_embeddings: 16, layer_norm_eps: 1.0e-5, eos_token_id: 1},
        vision_config: {hidden_size: 8, intermediate_size: 16, num_hidden_layers: 1,
          num_attention_heads: 2, num_channels: 3, image_size: 32, patch_size: 16, layer_norm_eps: 1.0e-5},
        projection_dim: 8, logit_scale_init_value: 2.6592}
      """;

  private static final String OF_TEXTS =
      """
          tokenizer: '%s',
          context_length: 16,
          optimizer: {type: adamw, beta1: 0.9, beta2: 0.98, weight_decay: 0.1},
          schedule: {type: constant},
          clip_norm: 1.0,
          ema_decay: 0.9}
      """;

  /** In place of the recipe's task, a CLIP; {@code tokenizer} is one of 272 tokens. */
  public static String contrastive(Path tokenizer) {
    return "task={type: contrastive, model: %s, loss: {type: softmax},".formatted(CLIP)
        + OF_TEXTS.formatted(tokenizer);
  }

  /** The same towers with fusion behind them; {@code tokenizer} has a mask token. */
  static String fusion(Path tokenizer) {
    return """
        task={
          type: fusion,
          model: {
            clip: %s,
            fusion: {num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 16, direction: text,
              layer_norm_eps: 1.0e-5},
            fusion_dim: 8},
          objectives: {
            contrastive: {weight: 1.0, loss: {type: softmax}},
            mlm: {weight: 1.0, share: 0.15, mask_token: <mask>},
            itm: {weight: 1.0, negatives: hard}},
        """
            .formatted(CLIP)
        + OF_TEXTS.formatted(tokenizer);
  }

  /** In place of the recipe's task, adapters on a CLIP that is given as the base. */
  static final String ADAPTERS =
      """
      task={
        type: contrastive,
        model: null,
        tokenizer: null,
        lora: {r: 2, lora_alpha: 4, target_modules: [q_proj, v_proj, fc1]},
        loss: {type: softmax},
        context_length: 16,
        optimizer: {type: adamw, beta1: 0.9, beta2: 0.98, weight_decay: 0.1},
        schedule: {type: constant},
        clip_norm: 1.0,
        ema_decay: 0.9}
      """;

  private Tiny() {}

  /** A prepared dataset of 60 pages below a folder. */
  public static Path dataset(Path folder) {
    Path corpus = folder.resolve("corpus");
    new SceneCorpus(new SceneCorpus.Config(60, SIZE, 5, corpus)).run();
    PrepareConfig config =
        PrepareConfig.defaults()
            .withSize(SIZE)
            .with(Map.of("validation", 0.2, "test", 0.2, "shard_samples", 20));
    Path dataset = folder.resolve("dataset");
    String master = "local[1]";
    try (SparkSession session =
        Sessions.open(master, "preparing", Sessions.defaultConfig(master))) {
      new PrepareJob(List.of(uri(corpus)), uri(dataset), config).run(session);
    }
    return dataset;
  }

  public static TrainConfig config(String... settings) {
    ConfigTree.Builder tree = ConfigTree.builder().yaml("the tiny recipe", RECIPE);
    for (String setting : settings) {
      tree.set(setting);
    }
    return tree.build().bind(TrainConfig.class);
  }

  /** The same as the {@code config.yaml} of a run. */
  public static String yaml(String... settings) {
    return ConfigTree.toYaml(config(settings));
  }

  public static String uri(Path path) {
    return path.toUri().toString();
  }

  static Path checkpoint(Path run, long step) {
    return run.resolve("checkpoints").resolve("step-%08d".formatted(step));
  }

  /** Steps of the committed checkpoints, in order. */
  static List<Long> committed(Path run) throws IOException {
    Path checkpoints = run.resolve("checkpoints");
    if (!Files.isDirectory(checkpoints)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(checkpoints)) {
      return all.filter(path -> Files.exists(path.resolve("COMMITTED")))
          .map(path -> Long.parseLong(path.getFileName().toString().substring("step-".length())))
          .sorted()
          .toList();
    }
  }

  static List<JsonNode> metrics(Path run) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(run.resolve("metrics.jsonl"), UTF_8)) {
      rows.add(LearnerFiles.JSON.readTree(line));
    }
    return rows;
  }

  public static JsonNode json(Path file) throws IOException {
    return LearnerFiles.JSON.readTree(Files.readString(file, UTF_8));
  }

  /** A directory with all that is in it. */
  public static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Files.copy(path, to.resolve(from.relativize(path).toString()));
      }
    }
  }

  static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
