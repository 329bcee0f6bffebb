package org.talespark.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
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
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.Context;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.jobs.train.Tiny;
import org.talespark.jobs.train.TrainConfig;
import org.talespark.jobs.train.TrainJob;

/** Runs of two steps, evaluated with their files. */
@Timeout(240)
class EvaluateJobTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());
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
        new EvaluateConfig(null, 3, 1, null, null, 1, null),
        SILENT);
  }

  private static long samples() {
    return Dataset.open(Tiny.uri(dataset), new Configuration()).samples(Split.TEST);
  }

  @Test
  void aDiffusionModelIsMeasuredAndWhatItDrawsIsShown() throws Exception {
    Path out = folder.resolve("evaluation");
    EvaluateJob job = job(diffusion, out, classifier);
    EvaluateResult result = job.run(session);
    assertThat(out).doesNotExist();
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
            context.broadcast(new SerializableConfiguration(new Configuration())));
    assertThatThrownBy(() -> judge.see(pictures, Set.of()))
        .hasStackTraceContaining("they are 8 x 8 and the classifier sees 32 x 32")
        .hasStackTraceContaining("trained with data.size=8");
  }
}
