package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;
import org.talespark.data.tokenizer.TokenizerConfig;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.jobs.corpus.TokenizerJob;
import org.talespark.jobs.latents.LatentSet;
import org.talespark.zoo.diffusion.DiffusionModel;
import org.talespark.zoo.train.LatentSpace;
import org.talespark.zoo.vq.VqCodec;

/** Diffusion models of pictures and of latents, trained on a cluster of two executors. */
@Timeout(180)
class DiffusionTrainTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());

  @TempDir private static Path folder;
  private static SparkSession session;
  private static Configuration hadoop;
  private static Path dataset;
  private static Path firstStage;
  private static Path tokenizer;

  @TempDir private Path fresh;

  @BeforeAll
  static void begin() throws IOException {
    dataset = Tiny.dataset(folder);
    session = Sessions.open(Tiny.MASTER, "training", Sessions.defaultConfig(Tiny.MASTER));
    hadoop = session.sessionState().newHadoopConf();
    firstStage = folder.resolve("first");
    train(firstStage, false, Tiny.config("train.steps=4", "train.checkpoint_every=4"));
    tokenizer = folder.resolve("tokenizer");
    TokenizerJob job =
        new TokenizerJob(Tiny.uri(dataset), 300, Tiny.uri(tokenizer), TokenizerConfig.defaults());
    job.run(session);
    job.commit(session, "{}");
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static TrainJob.Result train(Path out, boolean resume, TrainConfig config)
      throws IOException {
    return new TrainJob(config, Tiny.uri(dataset), Tiny.uri(out), null, resume, SILENT)
        .run(session);
  }

  @Test
  void aDiffusionModelIsTrainedAndItsResumedRunEqualsOneWithoutABreak() throws IOException {
    TrainConfig config = Tiny.config(Tiny.DIFFUSION, "train.steps=6", "train.checkpoint_every=3");
    Path whole = fresh.resolve("whole");
    TrainJob.Result trained = train(whole, false, config);
    assertThat(trained.metrics()).containsOnlyKeys("denoising_loss", "mse_at_500");
    assertThat(Tiny.committed(whole)).containsExactly(3L, 6L);
    assertThat(whole.resolve("samples/step-00000006.png")).isNotEmptyFile();
    JsonNode model = Tiny.json(Tiny.checkpoint(whole, 6).resolve("config.json"));
    assertThat(model.at("/model/type").asText()).isEqualTo("unet");
    assertThat(model.at("/noise/steps").asInt()).isEqualTo(1000);
    assertThat(model.at("/prediction").asText()).isEqualTo("v_prediction");
    assertThat(model.at("/sample_size").asInt()).isEqualTo(Tiny.SIZE);

    Path stopped = fresh.resolve("stopped");
    Tiny.copy(whole, stopped);
    Tiny.delete(Tiny.checkpoint(stopped, 6));
    Files.delete(stopped.resolve("best.json"));
    assertThat(train(stopped, true, config).metrics()).isEqualTo(trained.metrics());
    for (String file :
        List.of("model.safetensors", "optimizer.safetensors", "ema.safetensors", "config.json")) {
      assertThat(Tiny.checkpoint(stopped, 6).resolve(file))
          .hasSameBinaryContentAs(Tiny.checkpoint(whole, 6).resolve(file));
    }
  }

  /** A small model of texts and latents; of several settings for a key the last one holds. */
  private static TrainConfig latent(String... settings) {
    Stream<String> common =
        Stream.of(
            Tiny.DIFFUSION,
            "task.model.channels=4",
            "task.model.context_dimension=8",
            "task.first_stage={checkpoint: '%s'}".formatted(Tiny.uri(firstStage)),
            "task.text={type: encoder, tokenizer: '%s', tokens: 12, pooling: last, model: {vocab_size: 300, hidden_size: 8, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2, max_position_embeddings: 12, layer_norm_eps: 1.0e-5}}"
                .formatted(Tiny.uri(tokenizer)),
            "data.flip=false",
            "train.steps=4",
            "train.checkpoint_every=2");
    return Tiny.config(Stream.concat(common, Arrays.stream(settings)).toArray(String[]::new));
  }

  /** Every picture of a split through the first stage's encoder, by key. */
  private static Map<String, float[]> encoded(Split split) {
    Map<String, float[]> latents = new LinkedHashMap<>();
    try (VqCodec codec =
        new VqCodec(LearnerFiles.pretrained(hadoop).apply(Tiny.uri(firstStage)), 1)) {
      for (Shard shard : Dataset.open(Tiny.uri(dataset), hadoop).shards(split)) {
        try (ShardReader reader = shard.open(hadoop)) {
          while (reader.hasNext()) {
            Sample sample = reader.next();
            float[] picture = Images.decodePlanar(sample.image(), codec.size());
            latents.put(sample.key(), codec.encode(picture, 1));
          }
        }
      }
    }
    return latents;
  }

  @Test
  void latentsAreComputedOnceAndARunOnThemIsResumedToTheBit() throws IOException {
    Path whole = fresh.resolve("whole");
    TrainJob.Result trained = train(whole, false, latent());
    LatentSet latents = LatentSet.open(Tiny.uri(whole.resolve("latents")), hadoop);

    Map<String, float[]> training = encoded(Split.TRAIN);
    LatentSpace space = latents.space();
    assertThat(space.channels()).isEqualTo(4);
    assertThat(space.side()).isEqualTo(16);
    for (int c = 0; c < 4; c++) {
      double sum = 0;
      double squares = 0;
      for (float[] latent : training.values()) {
        for (int i = c * 256; i < (c + 1) * 256; i++) {
          sum += latent[i];
          squares += (double) latent[i] * latent[i];
        }
      }
      double mean = sum / (256.0 * training.size());
      assertThat(space.mean().get(c)).isEqualTo(mean, within(1e-5));
      double deviation = Math.sqrt(squares / (256.0 * training.size()) - mean * mean);
      assertThat(space.deviation().get(c)).isEqualTo(deviation, within(1e-5));
    }
    TrainConfig config = latent();
    RunOptions options = new RunOptions(latents.uri(), "", null, false, null, Map.of());
    Map<String, float[]> heldOut = encoded(Split.VALIDATION);
    try (SampleStore store = SampleStore.open(config, options, Split.VALIDATION, hadoop)) {
      assertThat(store.size()).isEqualTo(heldOut.size());
      for (int i = 0; i < store.size(); i++) {
        SampleStore.Stored stored = store.read(store.place(i), true);
        float[] read = store.latent(stored, store.place(i)).orElseThrow();
        float[] expected = heldOut.get(stored.key());
        for (int j = 0; j < read.length; j++) {
          assertThat(read[j]).isEqualTo(expected[j], within(1e-4f));
        }
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }

    Path stopped = fresh.resolve("stopped");
    Tiny.copy(whole, stopped);
    Tiny.delete(Tiny.checkpoint(stopped, 4));
    Files.delete(stopped.resolve("best.json"));
    byte[] shard = Files.readAllBytes(whole.resolve("latents/shards/00000.tar"));
    TrainConfig same =
        latent("task.first_stage.latents='%s'".formatted(Tiny.uri(whole.resolve("latents"))));
    assertThatThrownBy(() -> train(stopped, true, same))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("task.first_stage.latents");
    assertThat(train(stopped, true, latent()).metrics()).isEqualTo(trained.metrics());
    assertThat(Tiny.checkpoint(stopped, 4).resolve("model.safetensors"))
        .hasSameBinaryContentAs(Tiny.checkpoint(whole, 4).resolve("model.safetensors"));
    assertThat(stopped.resolve("latents/shards/00000.tar")).hasBinaryContent(shard);
  }

  @Test
  void anotherFirstStageIsNoticedAndTheCheckpointBringsItsOwn() throws IOException {
    Path shared = fresh.resolve("shared");
    String here = "task.first_stage.latents='%s'".formatted(Tiny.uri(shared));
    Path one = fresh.resolve("one");
    train(one, false, latent(here));
    Path other = fresh.resolve("other");
    train(other, false, Tiny.config("train.steps=2", "train.checkpoint_every=2"));
    TrainConfig changed =
        latent(here, "task.first_stage.checkpoint='%s'".formatted(Tiny.uri(other)));
    assertThatThrownBy(() -> train(fresh.resolve("two"), false, changed))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("latents=file:" + shared + " were made by")
        .hasMessageContaining("expected those of checkpoint=file:" + other + "/checkpoints/");

    try (DiffusionModel model =
        new DiffusionModel(LearnerFiles.pretrained(hadoop).apply(Tiny.uri(one)), 2)) {
      assertThat(model.size()).isEqualTo(Tiny.SIZE);
      float[] made =
          model.generate(
              List.of("a red ball", ""), new long[] {1, 2}, DiffusionModel.Options.DEFAULT);
      assertThat(made).hasSize(2 * 3 * Tiny.SIZE * Tiny.SIZE);
    }
  }

  @Test
  void latentsAreNotVaried() {
    assertThatThrownBy(() -> latent("data.flip=true"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("data.flip, data.augment=true");
  }
}
