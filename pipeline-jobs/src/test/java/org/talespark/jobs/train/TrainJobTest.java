package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;
import org.talespark.data.tokenizer.TokenizerConfig;
import org.talespark.data.tokenizer.TokenizerTraining;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.jobs.infer.ReconstructJob;
import org.talespark.zoo.contrastive.ClipFile;
import org.talespark.zoo.contrastive.ContrastiveLearnerConfig;
import org.talespark.zoo.io.SafetensorsFile;
import org.talespark.zoo.vq.VqCodec;

/** Training and its consequences on an embedded cluster of two executors. */
@Timeout(180)
class TrainJobTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());

  @TempDir private static Path folder;
  private static SparkSession session;
  private static Configuration hadoop;
  private static Path dataset;

  /** 20 steps of two workers without a break. */
  private static Path run;

  private static TrainJob.Result result;

  @TempDir private Path fresh;

  @BeforeAll
  static void train() throws IOException {
    dataset = Tiny.dataset(folder);
    session = Sessions.open(Tiny.MASTER, "training", Sessions.defaultConfig(Tiny.MASTER));
    hadoop = session.sessionState().newHadoopConf();
    run = folder.resolve("run");
    result = train(run, false, Tiny.config());
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static TrainJob.Result train(Path out, boolean resume, TrainConfig config)
      throws IOException {
    return job(dataset, out, resume, config).run(session);
  }

  private static TrainJob job(Path data, Path out, boolean resume, TrainConfig config) {
    return new TrainJob(config, Tiny.uri(data), Tiny.uri(out), null, resume, SILENT);
  }

  @Test
  void twoWorkersMakeTheStepsThatOneMakesWithTheWholeBatch() throws IOException {
    String[] common = {"train.precision=float64", "train.steps=30", "train.checkpoint_every=30"};
    Path two = fresh.resolve("two");
    Path one = fresh.resolve("one");
    train(two, false, Tiny.config(common));
    train(
        one,
        false,
        Tiny.config(
            Stream.concat(Arrays.stream(common), Stream.of("train.workers=1", "train.batch=8"))
                .toArray(String[]::new)));
    List<JsonNode> ofTwo = Tiny.metrics(two);
    List<JsonNode> ofOne = Tiny.metrics(one);
    assertThat(ofTwo)
        .extracting(row -> row.get("step").asLong())
        .containsExactly(10L, 20L, 30L, 30L);
    assertThat(ofTwo).hasSameSizeAs(ofOne);
    for (int i = 0; i < ofTwo.size(); i++) {
      JsonNode expected = ofOne.get(i);
      JsonNode row = ofTwo.get(i);
      assertThat(row.fieldNames()).toIterable().containsExactlyElementsOf(expected::fieldNames);
      row.fieldNames()
          .forEachRemaining(
              name -> {
                if (!name.equals("seconds")) {
                  assertThat(row.get(name).asDouble())
                      .as("%s of step %s", name, row.get("step"))
                      .isEqualTo(expected.get(name).asDouble(), within(1e-8));
                }
              });
    }
    assertThat(ofTwo.get(0).size()).isGreaterThan(4);
    Path first = Tiny.checkpoint(two, 30).resolve("model.safetensors");
    Path second = Tiny.checkpoint(one, 30).resolve("model.safetensors");
    try (SafetensorsFile a = SafetensorsFile.open(first);
        SafetensorsFile b = SafetensorsFile.open(second)) {
      assertThat(a.header().tensors().keySet()).isEqualTo(b.header().tensors().keySet());
      for (String name : a.header().tensors().keySet()) {
        try (INDArray x = a.tensor(name).load();
            INDArray y = b.tensor(name).load()) {
          double difference = x.distance2(y) / Math.max(1e-30, y.norm2Number().doubleValue());
          assertThat(difference).as(name).isLessThan(1e-9);
        }
      }
    }
  }

  @Test
  void aRunStoppedAtACheckpointAndResumedEqualsOneWithoutABreak() throws IOException {
    Path stopped = fresh.resolve("stopped");
    Tiny.copy(run, stopped);
    Tiny.delete(Tiny.checkpoint(stopped, 20));
    Files.delete(stopped.resolve("best.json"));
    Files.deleteIfExists(stopped.resolve("report.html"));
    List<String> rows = Files.readAllLines(run.resolve("metrics.jsonl"), UTF_8);
    Files.write(stopped.resolve("metrics.jsonl"), rows.subList(0, 2), UTF_8);

    TrainJob.Result resumed = train(stopped, true, Tiny.config());
    assertThat(resumed.step()).isEqualTo(20);
    assertThat(resumed.samples()).isEqualTo(160);
    assertThat(resumed.metrics()).isEqualTo(result.metrics());
    for (String file :
        List.of("model.safetensors", "optimizer.safetensors", "ema.safetensors", "config.json")) {
      assertThat(Tiny.checkpoint(stopped, 20).resolve(file))
          .hasSameBinaryContentAs(Tiny.checkpoint(run, 20).resolve(file));
    }
    assertThat(Tiny.metrics(stopped))
        .extracting(TrainJobTest::withoutTime)
        .isEqualTo(Tiny.metrics(run).stream().map(TrainJobTest::withoutTime).toList());
    assertThat(Files.readAllLines(stopped.resolve("metrics.jsonl"), UTF_8))
        .startsWith(rows.get(0), rows.get(1));
    assertThat(stopped.resolve("report.html")).exists();
  }

  @Test
  void aContrastiveModelIsTrainedAsByOneWorkerAndRanksAllHeldOutPairs() throws IOException {
    Path tokenizers = tokenizer(TokenizerConfig.defaults());
    byte[] tokenizer = Files.readAllBytes(tokenizers.resolve("tokenizer.json"));
    Path two = fresh.resolve("two");
    TrainConfig config = Tiny.config(few(Tiny.contrastive(tokenizers)));
    TrainJob.Result ofTwo = train(two, false, config);
    TrainJob.Result ofOne = trainAlone(Tiny.contrastive(tokenizers));
    assertThat(ofTwo.loss()).isCloseTo(ofOne.loss(), within(1e-12));
    assertThat(ofTwo.metrics())
        .isEqualTo(ofOne.metrics())
        .containsKeys("image_to_text_r1", "mean_recall");
    assertThat(ofTwo.metrics().get("pairs")).isBetween(8.0, 11.0); // some captions come twice

    Path checkpoint = Tiny.checkpoint(two, 4);
    assertThat(checkpoint.resolve("tokenizer.json")).hasBinaryContent(tokenizer);
    assertThat(ClipFile.read(Tiny.json(checkpoint.resolve("config.json"))))
        .isEqualTo(((ContrastiveLearnerConfig) config.task()).model());
    assertThat(Tiny.json(checkpoint.resolve("preprocessor_config.json")).at("/image_std/0"))
        .hasToString("0.5");
  }

  /** The directory of a tokenizer of the dataset, of 272 tokens. */
  private Path tokenizer(TokenizerConfig tokens) throws IOException {
    byte[] tokenizer =
        new TokenizerTraining(Dataset.open(Tiny.uri(dataset), hadoop), 272, tokens)
            .run(session)
            .json();
    Path directory = Files.createDirectory(fresh.resolve("tokenizers"));
    Files.write(directory.resolve("tokenizer.json"), tokenizer);
    return directory;
  }

  /** The settings of four steps of a task. */
  private static String[] few(String task, String... more) {
    List<String> settings =
        new ArrayList<>(
            List.of(
                task,
                "train.precision=float64",
                "train.steps=4",
                "train.checkpoint_every=4",
                "data.flip=false",
                "data.evaluation_samples=11"));
    settings.addAll(List.of(more));
    return settings.toArray(String[]::new);
  }

  /** With the whole batch. */
  private TrainJob.Result trainAlone(String task) throws IOException {
    TrainConfig config = Tiny.config(few(task, "train.workers=1", "train.batch=8"));
    return train(fresh.resolve("one"), false, config);
  }

  @Test
  void aFusionModelIsTrainedAndMeasuredAsByOneWorker() throws IOException {
    TokenizerConfig withMask =
        TokenizerConfig.defaults().withSpecial(List.of("<pad>", "<eos>", "<bos>", "<mask>"));
    String task = Tiny.fusion(tokenizer(withMask));
    Path two = fresh.resolve("two");
    TrainJob.Result ofTwo = train(two, false, Tiny.config(few(task)));
    TrainJob.Result ofOne = trainAlone(task);
    assertThat(ofTwo.loss()).isCloseTo(ofOne.loss(), within(1e-11));
    assertThat(ofTwo.metrics())
        .containsOnlyKeys(ofOne.metrics().keySet())
        .containsKeys("mlm_accuracy", "mlm_loss", "itm_accuracy", "itm_loss", "mean_recall");
    ofTwo
        .metrics()
        .forEach(
            (name, value) ->
                assertThat(value).as(name).isCloseTo(ofOne.metrics().get(name), within(1e-9)));
    JsonNode config = Tiny.json(Tiny.checkpoint(two, 4).resolve("config.json"));
    assertThat(config.at("/fusion_config/direction").asText()).isEqualTo("text");
    assertThat(config.at("/objectives/mlm/mask_token").asText()).isEqualTo("<mask>");
    assertThat(config.at("/clip_config/projection_dim").asInt()).isEqualTo(8);
  }

  private static String withoutTime(JsonNode row) {
    return row.toString().replaceFirst("\"seconds\":[^,]*,", "");
  }

  @Test
  void resumingAFinishedRunChangesNothing() throws IOException {
    Path copy = fresh.resolve("copy");
    Tiny.copy(run, copy);
    TrainJob.Result again = train(copy, true, Tiny.config());
    assertThat(again.step()).isEqualTo(20);
    assertThat(Tiny.committed(copy)).isEqualTo(Tiny.committed(run));
    assertThat(copy.resolve("metrics.jsonl")).hasSameBinaryContentAs(run.resolve("metrics.jsonl"));
  }

  @Test
  void aRunLeavesConfigurationMetricsSamplesReportAndCheckpoints() throws IOException {
    assertThat(result.step()).isEqualTo(20);
    assertThat(result.samples()).isEqualTo(160);
    assertThat(result.workers()).isEqualTo(2);
    assertThat(result.loss()).isFinite();
    assertThat(result.metrics()).containsKey("psnr");
    assertThat(Tiny.committed(run)).containsExactly(10L, 20L);
    for (long step : Tiny.committed(run)) {
      assertThat(Tiny.checkpoint(run, step)).isDirectoryContaining("glob:**/optimizer.safetensors");
      JsonNode state = Tiny.json(Tiny.checkpoint(run, step).resolve("trainer_state.json"));
      assertThat(state.get("step").asLong()).isEqualTo(step);
      assertThat(state.get("samples").asLong()).isEqualTo(8 * step);
      assertThat(state.get("versions").has("spark")).isTrue();
      assertThat(run.resolve("samples").resolve("step-%08d.png".formatted(step))).isNotEmptyFile();
    }
    assertThat(
            ConfigTree.builder().file(run.resolve("config.yaml")).build().bind(TrainConfig.class))
        .isEqualTo(Tiny.config());
    assertThat(Tiny.metrics(run))
        .extracting(row -> row.get("step").asLong() + (row.has("validation_psnr") ? " held" : ""))
        .containsExactly("10", "10 held", "20", "20 held");
    long best = Tiny.json(run.resolve("best.json")).get("step").asLong();
    assertThat(Tiny.committed(run)).contains(best);
    assertThat(result.checkpoint()).endsWith("/checkpoints/step-%08d".formatted(best));
    assertThat(run.resolve("report.html"))
        .content(UTF_8)
        .contains("<canvas", "validation psnr", "data:image/png;base64,", "norm_num_groups");
    assertThat(run.resolve("progress.json")).doesNotExist();
    assertThat(run.resolve("run.lock")).doesNotExist();
  }

  @Test
  void anOutputWithCheckpointsIsRefusedUnlessItIsResumedAsItWas() throws IOException {
    assertThatThrownBy(() -> train(run, false, Tiny.config()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("already holds checkpoints")
        .hasMessageContaining("--resume");
    assertThatThrownBy(() -> train(run, true, Tiny.config("task.clip_norm=0.5", "data.flip=false")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("task.clip_norm=0.5 instead of 1.0")
        .hasMessageContaining("data.flip=false instead of true");
    assertThatThrownBy(() -> train(run, true, Tiny.config("train.seed=4")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("train.seed=4 instead of 3");
    assertThat(Tiny.committed(run)).containsExactly(10L, 20L);
  }

  @Test
  void moreWorkersThanExecutorsAreRefused() {
    Path out = fresh.resolve("out");
    assertThatThrownBy(() -> train(out, false, Tiny.config("train.workers=3")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("train.workers=3")
        .hasMessageContaining("2 executors");
  }

  @Test
  void aDamagedShardStopsTheRunAndIsNamed() throws IOException {
    Path damaged = fresh.resolve("dataset");
    Tiny.copy(dataset, damaged);
    Shard shard = Dataset.open(Tiny.uri(damaged), hadoop).shards(Split.TRAIN).get(0);
    Path file = Path.of(URI.create(shard.uri()));
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    Path out = fresh.resolve("out");
    assertThatThrownBy(() -> job(damaged, out, false, Tiny.config()).run(session))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(file.getFileName().toString())
        .hasMessageContaining("sha256");
    assertThat(Tiny.committed(out)).isEmpty();
  }

  @Test
  void aSplitIsReconstructedAndItsCodesDecodeToThePictures() throws IOException {
    Path out = fresh.resolve("out");
    Map<String, byte[]> originals = new TreeMap<>();
    for (Shard shard : Dataset.open(Tiny.uri(dataset), hadoop).shards(Split.TEST)) {
      try (ShardReader reader = shard.open(hadoop)) {
        while (reader.hasNext()) {
          Sample sample = reader.next();
          originals.put(sample.key(), sample.image());
        }
      }
    }
    checkReconstruction(dataset, out, List.copyOf(originals.keySet()));
  }

  @Test
  void aFolderIsReconstructed() throws IOException {
    Path pictures = Files.createDirectories(fresh.resolve("pictures"));
    Files.createDirectories(pictures.resolve("more"));
    float[] planar = new float[3 * 40 * 40];
    for (int i = 0; i < planar.length; i++) {
      planar[i] = (float) Math.sin(i * 0.01);
    }
    Files.write(pictures.resolve("b.png"), Images.encodePng(planar, 40));
    Files.write(pictures.resolve("more/a 1.PNG"), Images.encodePng(planar, 40));
    Files.writeString(pictures.resolve("notes.txt"), "not a picture", UTF_8);
    checkReconstruction(pictures, fresh.resolve("out"), List.of("b", "more-a-1"));
  }

  private static void checkReconstruction(Path input, Path out, List<String> expected)
      throws IOException {
    ReconstructJob.Result answer = reconstruct(input, out);
    List<String> keys = Files.readAllLines(out.resolve("keys.txt"), UTF_8);
    assertThat(keys).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(answer.images()).isEqualTo(keys.size());
    assertThat(answer.psnr()).isFinite();
    assertThat(answer.codebookUsage()).isBetween(1 / 16.0, 1.0);
    assertThat(out.resolve("result.json")).hasContent(line(answer));
    Map<String, String> before = contents(out);
    assertThat(before.keySet()).filteredOn(name -> name.startsWith("images/")).hasSize(keys.size());
    assertThat(before.keySet()).noneMatch(name -> name.contains("parts"));
    try (SafetensorsFile file = SafetensorsFile.open(out.resolve("codes.safetensors"));
        INDArray codes = file.tensor("codes").load();
        VqCodec codec =
            new VqCodec(LearnerFiles.pretrained(hadoop).apply(Tiny.uri(run)), keys.size())) {
      assertThat(codes.shape()).containsExactly(keys.size(), 16, 16);
      int[] all = codes.reshape(codes.length()).toIntVector();
      assertThat(Arrays.stream(all)).allMatch(code -> code >= 0 && code < 16);
      float[] decoded = codec.decode(all, keys.size());
      int each = 3 * Tiny.SIZE * Tiny.SIZE;
      for (int i = 0; i < keys.size(); i++) {
        byte[] png = Files.readAllBytes(out.resolve("images").resolve(keys.get(i) + ".png"));
        float[] written = Images.decodePlanar(png, Tiny.SIZE);
        float worst = 0;
        for (int j = 0; j < each; j++) {
          float clipped = Math.max(-1, Math.min(1, decoded[i * each + j]));
          worst = Math.max(worst, Math.abs(written[j] - clipped));
        }
        assertThat(worst).as(keys.get(i)).isLessThan(2f / 255);
      }
    }
    reconstruct(input, out);
    before.remove("result.json");
    Map<String, String> after = contents(out);
    after.remove("result.json");
    assertThat(after).isEqualTo(before);
  }

  private static ReconstructJob.Result reconstruct(Path input, Path out) throws IOException {
    ReconstructJob job =
        new ReconstructJob(Tiny.uri(run), Tiny.uri(input), Split.TEST, Tiny.uri(out));
    ReconstructJob.Result answer = job.run(session);
    assertThat(out.resolve("result.json")).doesNotExist();
    job.commit(session, line(answer));
    return answer;
  }

  private static String line(ReconstructJob.Result answer) {
    return String.format(
        Locale.ROOT,
        "{\"status\":\"done\",\"images\":%d,\"psnr\":%s}",
        answer.images(),
        answer.psnr());
  }

  /** The files that people see, by name, as text of their bytes. */
  private static Map<String, String> contents(Path out) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.walk(out)) {
      all.filter(Files::isRegularFile)
          .filter(path -> !path.getFileName().toString().startsWith("."))
          .forEach(files::add);
    }
    for (Path file : files) {
      contents.put(
          out.relativize(file).toString().replace('\\', '/'),
          Arrays.toString(Files.readAllBytes(file)));
    }
    return contents;
  }
}
