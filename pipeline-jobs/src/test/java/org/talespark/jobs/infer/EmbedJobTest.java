package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkException;
import org.apache.spark.sql.Row;
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
import org.talespark.data.prepare.PrepareConfig;
import org.talespark.data.prepare.PrepareJob;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.jobs.train.Tiny;
import org.talespark.jobs.train.TrainedModels;
import org.talespark.zoo.contrastive.ClipEmbedder;
import org.talespark.zoo.io.SafetensorsFile;

@Timeout(240)
class EmbedJobTest {
  private static final Configuration HADOOP = new Configuration();
  private static final int WIDTH = 8;

  @TempDir private static Path folder;
  private static Path dataset;
  private static Path run;
  private static SparkSession session;

  /** The training split, embedded by two executors. */
  private static Path two;

  @TempDir private Path fresh;

  private final ByteArrayOutputStream log = new ByteArrayOutputStream();

  @BeforeAll
  static void prepare() throws IOException {
    dataset = Tiny.dataset(folder);
    run = TrainedModels.clip(folder);
    two = folder.resolve("two");
    session = open("local-cluster[2,1,1536]");
    new EmbedJobTest().embed(run, dataset, Split.TRAIN, two);
    session.stop();
    session = open("local[1]");
  }

  private static SparkSession open(String master) {
    return Sessions.open(master, "embedding", Sessions.defaultConfig(master));
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private EmbedJob job(Path checkpoint, Path input, Split split, Double limit, Path out) {
    return new EmbedJob(
        Tiny.uri(checkpoint),
        Tiny.uri(input),
        split,
        limit,
        Tiny.uri(out),
        new PrintStream(log, true, UTF_8));
  }

  private EmbedJob.Result embed(Path checkpoint, Path input, Split split, Path out)
      throws IOException {
    return embed(job(checkpoint, input, split, null, out), out);
  }

  private static EmbedJob.Result embed(EmbedJob job, Path out) throws IOException {
    EmbedJob.Result result = job.run(session);
    assertThat(out.resolve("result.json")).doesNotExist();
    job.commit(session, "{\"images\":%d}".formatted(result.images()));
    return result;
  }

  private static Map<String, String> contents(Path out) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> all = Files.walk(out)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        if (!file.getFileName().toString().startsWith(".")) {
          contents.put(out.relativize(file).toString(), Arrays.toString(Files.readAllBytes(file)));
        }
      }
    }
    return contents;
  }

  private static float[][] rows(Path out, String tensor) throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(out.resolve("embeddings.safetensors"))) {
      assertThat(file.header().tensors()).containsOnlyKeys("image_embeds", "text_embeds");
      return file.header().tensor(tensor).shape().get(0) == 0
          ? new float[0][]
          : file.tensor(tensor).load().toFloatMatrix();
    }
  }

  private static List<Sample> samples(Split split) {
    List<Sample> samples = new ArrayList<>();
    for (Shard shard : Dataset.open(Tiny.uri(dataset), HADOOP).shards(split)) {
      try (ShardReader reader = shard.open(HADOOP)) {
        reader.forEachRemaining(samples::add);
      }
    }
    return samples;
  }

  // --- what is written

  @Test
  void theFilesDoNotDependOnExecutors() throws IOException {
    Path one = fresh.resolve("one");
    EmbedJob.Result result = embed(run, dataset, Split.TRAIN, one);
    assertThat(result.images()).isEqualTo(samples(Split.TRAIN).size()).isEqualTo(result.texts());
    assertThat(result.width()).isEqualTo(WIDTH);
    assertThat(result.blocked()).isNull();
    Map<String, String> files = contents(one);
    assertThat(files.keySet())
        .contains(
            "embeddings.safetensors",
            "embeddings.parquet/00000.parquet",
            "embeddings.parquet/00001.parquet", // shards of at most 20 samples
            "image_keys.txt",
            "text_keys.txt",
            "result.json")
        .noneMatch(name -> name.startsWith("parts"));
    assertThat(files).isEqualTo(contents(two));
    assertThat(log.toString(UTF_8)).contains("embed ").contains(" 100%").contains("rows/s");
  }

  @Test
  void rowsAreTheModelsInTheOrderOfTheKeys() throws IOException {
    float[][] images = rows(two, "image_embeds");
    float[][] texts = rows(two, "text_embeds");
    List<Sample> samples = samples(Split.TRAIN);
    List<String> keys = samples.stream().map(Sample::key).toList();
    assertThat(Files.readAllLines(two.resolve("image_keys.txt"))).isEqualTo(keys);
    assertThat(Files.readAllLines(two.resolve("text_keys.txt"))).isEqualTo(keys);
    assertThat(images.length).isEqualTo(samples.size());
    try (ClipEmbedder model =
        new ClipEmbedder(LearnerFiles.pretrained(HADOOP).apply(Tiny.uri(run)), 1)) {
      for (int i = 0; i < samples.size(); i++) {
        float[] planes = Images.decodePlanar(samples.get(i).image(), Tiny.SIZE);
        assertThat(images[i])
            .containsExactly(model.pictures(List.of(planes)).get(0), within(1e-5f));
        assertThat(texts[i])
            .containsExactly(model.texts(List.of(samples.get(i).caption())).get(0), within(1e-5f));
        double squares = 0;
        for (float value : images[i]) {
          squares += value * value;
        }
        assertThat(squares).isCloseTo(1, within(1e-5));
      }
    }
  }

  @Test
  void parquetHoldsTheSameRows() throws IOException {
    Map<String, float[]> found = new TreeMap<>();
    for (Row row :
        session.read().parquet(Tiny.uri(two.resolve("embeddings.parquet"))).collectAsList()) {
      List<Float> values = row.getList(row.fieldIndex("embedding"));
      float[] numbers = new float[values.size()];
      for (int p = 0; p < numbers.length; p++) {
        numbers[p] = values.get(p);
      }
      found.put(row.<String>getAs("kind") + " " + row.<String>getAs("key"), numbers);
    }
    Map<String, float[]> expected = new TreeMap<>();
    for (String kind : List.of("image", "text")) {
      List<String> keys = Files.readAllLines(two.resolve(kind + "_keys.txt"));
      float[][] rows = rows(two, kind + "_embeds");
      for (int i = 0; i < rows.length; i++) {
        expected.put(kind + " " + keys.get(i), rows[i]);
      }
    }
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    found.forEach((name, row) -> assertThat(row).as(name).isEqualTo(expected.get(name)));
  }

  @Test
  void aHuggingFaceDirectoryGivesTheSameRows() throws IOException {
    Path directory = TrainedModels.clipDirectory(run, fresh.resolve("foreign"));
    Path out = fresh.resolve("out");
    embed(directory, dataset, Split.TRAIN, out);
    for (String tensor : List.of("image_embeds", "text_embeds")) {
      assertThat(rows(out, tensor)).isDeepEqualTo(rows(two, tensor));
    }
    try (SafetensorsFile file = SafetensorsFile.open(out.resolve("embeddings.safetensors"))) {
      assertThat(file.header().metadata().get("checkpoint")).endsWith("foreign");
      assertThat(file.header().metadata().get("weights_sha256")).hasSize(64);
      assertThat(file.header().metadata()).containsEntry("split", "train");
    }
  }

  @Test
  void aFolderHasPicturesAndTexts() throws IOException {
    Path input = Files.createDirectories(fresh.resolve("folder/below"));
    List<Sample> samples = samples(Split.TEST).subList(0, 2);
    Files.write(input.resolve("b.png"), samples.get(0).image());
    Files.write(input.getParent().resolve("a.png"), samples.get(1).image());
    Files.writeString(input.resolve("b.txt"), " a red house \n");
    Files.writeString(input.resolve(".hidden.txt"), "nothing");
    Path out = fresh.resolve("out");
    EmbedJob.Result result = embed(run, input.getParent(), Split.TEST, out);
    assertThat(result.images()).isEqualTo(2);
    assertThat(result.texts()).isEqualTo(1);
    assertThat(result.scores()).isNull();
    assertThat(Files.readAllLines(out.resolve("image_keys.txt"))).containsExactly("a", "below-b");
    assertThat(Files.readAllLines(out.resolve("text_keys.txt"))).containsExactly("below-b");
    Path lines = Files.writeString(fresh.resolve("texts.txt"), "\na red house\n\n a green owl\n");
    embed(run, lines, Split.TEST, fresh.resolve("lines"));
    assertThat(rows(fresh.resolve("lines"), "text_embeds")[0])
        .isEqualTo(rows(out, "text_embeds")[0]);
    assertThat(rows(fresh.resolve("lines"), "image_embeds")).isEmpty();
    assertThat(Files.readAllLines(fresh.resolve("lines/text_keys.txt")))
        .containsExactly("00000", "00001");
  }

  @Test
  void linesOfJsonMayHaveKeys() throws IOException {
    Path lines =
        Files.writeString(
            fresh.resolve("texts.jsonl"),
            "{\"text\": \"a\", \"key\": \"one\"}\n{\"text\": \"b\"}\n");
    embed(run, lines, Split.TEST, fresh.resolve("out"));
    assertThat(Files.readAllLines(fresh.resolve("out/text_keys.txt")))
        .containsExactly("one", "00001");
    Files.writeString(lines, "{\"text\": \"a\"}\n\n{\"txt\": \"b\"}\n");
    assertThatThrownBy(() -> embed(run, lines, Split.TEST, fresh.resolve("out")))
        .isInstanceOf(SparkException.class)
        .hasStackTraceContaining("line=3: txt, expected one of [key, text]; did you mean text?");
    assertThat(fresh.resolve("out/result.json")).doesNotExist();
  }

  // --- the filter

  @Test
  void pairsThatScoreTooLowGoIntoABlocklistForPrepare() throws IOException {
    Path all = fresh.resolve("all");
    EmbedJob.Result scored = embed(run, dataset, Split.TRAIN, all);
    EmbedJob.Scores scores = scored.scores();
    assertThat(scores.p01()).isLessThanOrEqualTo(scores.p10()).isLessThanOrEqualTo(scores.p50());
    double limit = scores.p50();
    Path out = fresh.resolve("out");
    EmbedJob.Result result = embed(job(run, dataset, Split.TRAIN, limit, out), out);
    float[][] images = rows(out, "image_embeds");
    float[][] texts = rows(out, "text_embeds");
    List<String> keys = Files.readAllLines(out.resolve("image_keys.txt"));
    List<String> low = new ArrayList<>();
    for (int i = 0; i < images.length; i++) {
      double sum = 0;
      for (int p = 0; p < WIDTH; p++) {
        sum += (double) images[i][p] * texts[i][p];
      }
      if ((float) sum < limit) {
        low.add(keys.get(i));
      }
    }
    assertThat(low).isNotEmpty().hasSizeLessThan(keys.size());
    List<String> hashes = Files.readAllLines(out.resolve("blocklist.txt"));
    assertThat(hashes).hasSize(low.size()).isSorted().doesNotHaveDuplicates();
    assertThat(result.blocked()).isEqualTo(low.size());

    Path filtered = fresh.resolve("filtered");
    PrepareConfig config =
        PrepareConfig.defaults()
            .withSize(Tiny.SIZE)
            .with(
                Map.of(
                    "validation",
                    0.2,
                    "test",
                    0.2,
                    "shard_samples",
                    20,
                    "blocklist",
                    Tiny.uri(out.resolve("blocklist.txt"))));
    new PrepareJob(List.of(Tiny.uri(folder.resolve("corpus"))), Tiny.uri(filtered), config)
        .run(session);
    List<String> kept = new ArrayList<>();
    Dataset again = Dataset.open(Tiny.uri(filtered), HADOOP);
    for (Shard shard : again.shards(Split.TRAIN)) {
      try (ShardReader reader = shard.open(HADOOP)) {
        reader.forEachRemaining(sample -> kept.add(sample.key()));
      }
    }
    List<String> expected = new ArrayList<>(keys);
    expected.removeAll(low);
    assertThat(kept).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(again.manifest().reasons()).containsEntry("blocked", (long) low.size());
  }

  // --- what cannot be used

  @Test
  void aPictureThatCannotBeUsedIsNamed() throws IOException {
    Path input = Files.createDirectory(fresh.resolve("folder"));
    Files.writeString(input.resolve("notes.png"), "no picture");
    assertThatThrownBy(() -> embed(run, input, Split.TEST, fresh.resolve("out")))
        .isInstanceOf(SparkException.class)
        .hasStackTraceContaining("picture=notes reason=unsupported_format");
  }

  private void refuses(Class<? extends Exception> kind, EmbedJob job, String... words) {
    assertThatThrownBy(() -> job.run(session))
        .isExactlyInstanceOf(kind)
        .satisfies(e -> assertThat(e.getMessage()).contains(words));
    assertThat(fresh.resolve("out")).doesNotExist();
  }

  private EmbedJob refused(Path checkpoint, Path input, Double limit) {
    return job(checkpoint, input, Split.TEST, limit, fresh.resolve("out"));
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeAnythingIsWritten() throws IOException {
    Path nothing = Files.createDirectory(fresh.resolve("nothing"));
    refuses(BadInputException.class, refused(run, nothing, null), "holds nothing");
    refuses(BadInputException.class, refused(run, fresh.resolve("no"), null), "no does not exist");
    refuses(IllegalArgumentException.class, refused(run, dataset, 2.0), "--block-below=2.0");
    Path text = Files.writeString(fresh.resolve("text.txt"), "a");
    refuses(IllegalArgumentException.class, refused(run, text, 0.1), "and a prepared dataset");
    Path diffusion = TrainedModels.diffusion(fresh.resolve("diffusion"));
    refuses(
        BadInputException.class,
        refused(diffusion, dataset, null),
        "Cannot use checkpoint as CLIP",
        "model_type=nothing, expected clip");
  }

  @Test
  void aHuggingFaceDirectoryWhosePartsDoNotFitIsRefused() throws IOException {
    Path directory = TrainedModels.clipDirectory(run, fresh.resolve("foreign"));
    Path config = directory.resolve("config.json");
    String right = Files.readString(config);
    Files.writeString(config, right.replaceAll("\"eos_token_id\" *: *1", "\"eos_token_id\": 5"));
    refuses(
        BadInputException.class,
        refused(directory, dataset, null),
        "end with token 1",
        "eos_token_id=5");
    Files.writeString(
        config, right.replaceAll("\"projection_dim\" *: *8", "\"projection_dim\": 9"));
    assertThatThrownBy(() -> refused(directory, dataset, null).run(session))
        .isInstanceOf(SparkException.class)
        .hasStackTraceContaining("BadInputException")
        .hasStackTraceContaining("text_projection.weight shape=[8, 8], expected [9, 8]");
    Files.delete(directory.resolve("preprocessor_config.json"));
    assertThatThrownBy(() -> refused(directory, dataset, null).run(session))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("file preprocessor_config.json is missing");
  }
}
