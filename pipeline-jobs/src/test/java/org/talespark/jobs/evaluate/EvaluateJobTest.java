package org.talespark.jobs.evaluate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
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
import org.talespark.data.image.Pixels;
import org.talespark.jobs.Context;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.jobs.train.Tiny;
import org.talespark.jobs.train.TrainConfig;
import org.talespark.jobs.train.TrainJob;
import org.talespark.jobs.train.TrainedModels;
import org.talespark.zoo.contrastive.ClipEmbedder;
import org.talespark.zoo.contrastive.Retrieval;

/** Runs of two steps, evaluated with their files. */
@Timeout(240)
class EvaluateJobTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());
  private static final ByteArrayOutputStream LOG = new ByteArrayOutputStream();
  private static final String MASTER = "local[1]";
  private static final String ATTRIBUTES =
      """
      task={
        type: attributes,
        grammar: {
          things: {cat: [cat, cats], dog: [dog, dogs], star: [star, stars], ball: [ball, balls]},
          colours: [red, blue, green, yellow],
          settings: {sea: [at sea], snow: [in the snow]}},
        model: {widths: [4, 8], depths: [1, 1], features: 3, norm_num_groups: 2},
        optimizer: {type: adam, beta1: 0.9, beta2: 0.99},
        schedule: {type: constant},
        clip_norm: 1.0,
        ema_decay: 0.9}
      """;

  @TempDir private static Path folder;
  private static Path dataset;
  private static SparkSession session;
  private static Path classifier;
  private static Path diffusion;

  @BeforeAll
  static void train() throws Exception {
    dataset = Tiny.dataset(folder);
    session = Sessions.open(MASTER, "evaluating", Sessions.defaultConfig(MASTER));
    classifier = train("classifier", ATTRIBUTES);
    diffusion = train("diffusion", Tiny.DIFFUSION);
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static Path train(String name, String task) throws Exception {
    TrainConfig config = Tiny.config("train.steps=2", "train.workers=1", "train.batch=2", task);
    Path run = folder.resolve(name);
    new TrainJob(config, Tiny.uri(dataset), Tiny.uri(run), null, false, SILENT).run(session);
    return run;
  }

  private static EvaluateJob job(Path checkpoint, Path out, Path judging) {
    return new EvaluateJob(
        Tiny.uri(checkpoint),
        Tiny.uri(dataset),
        Split.TEST,
        out == null ? null : Tiny.uri(out),
        judging == null ? null : Tiny.uri(judging),
        new EvaluateConfig(null, 3, 1, null, null, 1, null, Map.of()),
        new PrintStream(LOG, true, UTF_8));
  }

  private static long samples() {
    return Dataset.open(Tiny.uri(dataset), new Configuration()).samples(Split.TEST);
  }

  @Test
  void aDiffusionModelIsMeasuredAndWhatItDrawsIsShown() throws Exception {
    Path out = folder.resolve("evaluation");
    EvaluateJob job = job(diffusion, out, classifier);
    LOG.reset();
    EvaluateResult result = job.run(session);
    assertThat(out).doesNotExist();
    assertThat(LOG.toString(UTF_8)).contains("read ", "draw 6/6 100%", "look 5/5 100%");
    job.commit(session, result, Context.line(result));

    assertThat(result.samples()).isEqualTo(samples());
    JsonNode metrics = Tiny.json(out.resolve("metrics.json"));
    assertThat(metrics).isEqualTo(Tiny.json(out.resolve("result.json")));
    result
        .metrics()
        .forEach((name, value) -> assertThat(metrics.get(name).asDouble()).isEqualTo(value));
    assertThat(metrics.at("/intervals").size()).isEqualTo(result.metrics().size());
    assertThat(metrics.at("/split").asText()).isEqualTo("test");
    assertThat(metrics.at("/pictures").asInt()).isEqualTo(6);
    assertThat(metrics.at("/reference_pictures").asLong()).isEqualTo((samples() + 1) / 2);
    assertThat(metrics.at("/prompt_accuracy").size()).isZero(); // it reads no texts
    for (String what : List.of("generated", "real")) {
      JsonNode distance = metrics.at("/frechet_distance/" + what);
      assertThat(distance.get("low").asDouble()).isLessThan(distance.get("value").asDouble());
      assertThat(distance.get("high").asDouble()).isGreaterThan(distance.get("value").asDouble());
    }
    assertThat(Files.readString(out.resolve("report.html")))
        .contains("Frechet distance", "data:image/png;base64,", "generated");
    assertThat(Files.size(out.resolve("pictures.png"))).isPositive();
    assertThat(result.text()).contains("Frechet distance to", "generated", "held-out samples");
  }

  @Test
  void otherFamiliesHaveTheirOwnMetrics() throws Exception {
    EvaluateResult result = job(classifier, null, null).run(session);
    assertThat(result.metrics()).containsKeys("accuracy", "setting_accuracy", "named_share");
    assertThat(result.intervals().get("accuracy")).hasSize(2);
    assertThat(Context.line(result)).doesNotContain("frechet").contains("\"named_share\":");
    assertThatThrownBy(() -> job(classifier, null, classifier).run(session))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--classifier=")
        .hasMessageContaining("of another family; try it without --classifier");
  }

  private static EvaluateResult evaluate(Path checkpoint, Map<String, ZeroShotTask> zeroShot)
      throws Exception {
    return new EvaluateJob(
            Tiny.uri(checkpoint),
            Tiny.uri(dataset),
            Split.TEST,
            null,
            null,
            new EvaluateConfig(null, 3, 1, null, null, 1, null, zeroShot),
            SILENT)
        .run(session);
  }

  /** Settings with phrases, and whatever kinds of things there are. */
  private static Map<String, ZeroShotTask> tasks() {
    Map<String, List<String>> settings = new HashMap<>();
    for (Sample sample : samplesOf(Split.TEST)) {
      String setting = sample.metadata().get("setting").asText();
      settings.put(setting, List.of(setting, "the " + setting));
    }
    return Map.of(
        "setting",
        new ZeroShotTask("setting", settings, List.of("a picture {}", "{}")),
        "kind",
        new ZeroShotTask("things.kind", null, List.of("a {}")));
  }

  @Test
  void aClipIsMeasuredByRetrievalAndByClassesThatItWasNeverTaught() throws Exception {
    Path run = TrainedModels.clip(Files.createDirectories(folder.resolve("contrastive")));
    Files.writeString(
        run.resolve("config.yaml"),
        Tiny.yaml(
            Tiny.contrastive(folder.resolve("contrastive/clip-tokenizer.json")),
            "data.flip=false"));
    EvaluateResult own = evaluate(run, tasks());
    assertThat(own.metrics())
        .containsKeys("image_to_text_r1", "text_to_image_r10", "mean_recall", "cut_share")
        .containsKeys("zero_shot_setting", "zero_shot_kind");
    Set<String> settings = new TreeSet<>();
    Set<String> allKinds = new TreeSet<>();
    int oneKind = 0;
    int labelled = 0;
    for (Sample sample : samplesOf(Split.TEST)) {
      settings.add(sample.metadata().get("setting").asText());
      Set<String> kinds = new TreeSet<>();
      sample.metadata().get("things").forEach(thing -> kinds.add(thing.get("kind").asText()));
      labelled++;
      if (kinds.size() == 1) {
        oneKind++;
        allKinds.addAll(kinds);
      }
    }
    assertThat(own.metrics())
        .containsEntry("zero_shot_setting_classes", (double) settings.size())
        .containsEntry("zero_shot_setting_samples", (double) labelled)
        .containsEntry("zero_shot_kind_classes", (double) allKinds.size())
        .containsEntry("zero_shot_kind_samples", (double) oneKind);
    double accuracy = own.metrics().get("zero_shot_setting");
    assertThat(own.intervals().get("zero_shot_setting").get(0)).isLessThanOrEqualTo(accuracy);
    assertThat(own.intervals().get("zero_shot_setting").get(1)).isGreaterThan(accuracy);

    Path foreign = TrainedModels.clipDirectory(run, folder.resolve("foreign"));
    EvaluateResult same = evaluate(foreign, tasks());
    assertThat(same.checkpoint()).endsWith("foreign");
    Map<String, Double> expected = new HashMap<>(retrieval(foreign));
    own.metrics()
        .forEach(
            (name, value) -> {
              if (name.startsWith("zero_shot_")) {
                expected.put(name, value);
              }
            });
    assertThat(same.metrics()).isEqualTo(expected);
    for (String name : expected.keySet()) {
      assertThat(same.intervals().get(name)).as(name).hasSize(2);
      assertThat(same.intervals().get(name).get(0)).isLessThanOrEqualTo(expected.get(name) + 1e-12);
    }
  }

  /** What pairs find of each other, with their embeddings as one batch. */
  private static Map<String, Double> retrieval(Path checkpoint) {
    List<Sample> samples = samplesOf(Split.TEST);
    List<String> captions = samples.stream().map(Sample::caption).toList();
    try (ClipEmbedder model =
        new ClipEmbedder(
            LearnerFiles.pretrained(new Configuration()).apply(Tiny.uri(checkpoint)), 32)) {
      List<float[]> planes = new ArrayList<>();
      for (Sample sample : samples) {
        Pixels pixels = Images.decode(sample.image());
        planes.add(model.processor().planes(pixels.rgb(), pixels.width(), pixels.height()));
      }
      return Retrieval.of(
          captions,
          model.pictures(planes).toArray(float[][]::new),
          model.texts(captions).toArray(float[][]::new));
    }
  }

  private static List<Sample> samplesOf(Split split) {
    List<Sample> samples = new ArrayList<>();
    Configuration hadoop = new Configuration();
    for (Shard shard : Dataset.open(Tiny.uri(dataset), hadoop).shards(split)) {
      try (ShardReader reader = shard.open(hadoop)) {
        reader.forEachRemaining(samples::add);
      }
    }
    return samples;
  }

  @Test
  void classesThatCannotBeToldApartAreRefused() throws Exception {
    assertThatThrownBy(() -> evaluate(diffusion, tasks()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("asks for a CLIP")
        .hasMessageContaining("of another family");
    Path run = TrainedModels.clip(Files.createDirectories(folder.resolve("refused")));
    Path foreign = TrainedModels.clipDirectory(run, folder.resolve("refused/foreign"));
    assertThatThrownBy(
            () ->
                evaluate(foreign, Map.of("x", new ZeroShotTask("no.such", null, List.of("a {}")))))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("zero_shot.x.label=no.such finds the labels []");
    Map<String, List<String>> unseen = Map.of("q", List.of("q"), "r", List.of("r"));
    assertThatThrownBy(
            () ->
                evaluate(
                    foreign, Map.of("x", new ZeroShotTask("setting", unseen, List.of("a {}")))))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("expected samples whose JSON has one of [q, r]");
    assertThatThrownBy(() -> new ZeroShotTask("setting", null, List.of("a picture")))
        .hasMessageContaining("templates")
        .hasMessageContaining("at least one text with {}");
    assertThatThrownBy(() -> job(foreign, null, classifier).run(session))
        .hasMessageContaining("of another family; try it without --classifier");
  }

  @Test
  void aDirectoryOfSomethingElseIsRefusedBeforeTheWork() throws Exception {
    Path other = Files.createDirectories(folder.resolve("other"));
    Files.writeString(other.resolve("mine.txt"), "mine");
    assertThatThrownBy(() -> job(classifier, other, null).run(session))
        .hasMessageContaining("holds files that are not ours");
  }

  @Test
  void realPicturesComeEachOnceInTheOrderOfTheManifest() {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    Configuration hadoop = new Configuration();
    Dataset data = Dataset.open(Tiny.uri(dataset), hadoop);
    for (long most : new long[] {Long.MAX_VALUE, 5}) {
      JavaRDD<Painted> pictures =
          RealPictures.of(
              context,
              context.broadcast(new SerializableConfiguration(hadoop)),
              data,
              Split.TRAIN,
              Tiny.SIZE,
              most);
      List<Integer> found = new ArrayList<>(pictures.map(Painted::index).collect());
      found.sort(null);
      List<Integer> expected = new ArrayList<>();
      for (int i = 0; i < Math.min(most, data.samples(Split.TRAIN)); i++) {
        expected.add(i);
      }
      assertThat(found).isEqualTo(expected);
      assertThat(pictures.first().picture()).hasSize(3 * Tiny.SIZE * Tiny.SIZE);
      assertThat(pictures.first().caption()).isNotEmpty();
    }
  }

  @Test
  void aClassifierOfAnotherSizeIsRefusedWithTheSizeToTry() {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    JavaRDD<Painted> pictures =
        context.parallelize(List.of(new Painted(0, "", new float[3 * 8 * 8])));
    ClassifierJudge judge =
        new ClassifierJudge(
            Tiny.uri(classifier),
            context.broadcast(new SerializableConfiguration(new Configuration())),
            context.sc(),
            SILENT);
    assertThatThrownBy(() -> judge.see("look", 1, pictures, Set.of()))
        .hasStackTraceContaining("they are 8 x 8 and the classifier sees 32 x 32")
        .hasStackTraceContaining("trained with data.size=8");
  }
}
