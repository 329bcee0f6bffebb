package org.talespark.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.talespark.data.BadInputException;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.zoo.attributes.AttributePrediction;
import org.talespark.zoo.attributes.Attributes;
import org.talespark.zoo.attributes.CaptionGrammar;
import org.talespark.zoo.attributes.PromptAccuracy;

/**
 * Painters of known skill before a judge that knows every picture: a picture is a number, and shows
 * what the caption of that number says, but for one in twenty.
 */
class PictureEvaluationTest {
  private static final CaptionGrammar GRAMMAR =
      new CaptionGrammar(
          Map.of(
              "ball", List.of("ball", "balls"),
              "bear", List.of("bear", "bears"),
              "cat", List.of("cat", "cats"),
              "dog", List.of("dog", "dogs"),
              "owl", List.of("owl", "owls"),
              "tree", List.of("tree", "trees")),
          List.of("red", "green", "blue", "gray"),
          Map.of(
              "beach", List.of("on the beach"),
              "sea", List.of("at sea"),
              "snow", List.of("in the snow")));
  private static final int SAMPLES = 600;
  private static final int PROMPTS = 100;
  private static final int FEATURES = 4;
  private static final String MASTER = "local[1]";

  private static final List<String> CAPTIONS = captions();
  private static SparkSession session;
  private static JavaSparkContext context;

  @BeforeAll
  static void start() {
    session = Sessions.open(MASTER, "judging", Sessions.defaultConfig(MASTER));
    context = JavaSparkContext.fromSparkContext(session.sparkContext());
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  /** Of one, two and three things, and of two that are alike. */
  private static List<String> captions() {
    Random random = new Random(1);
    List<String> captions = new ArrayList<>();
    for (int i = 0; i < SAMPLES; i++) {
      List<String> kinds = new ArrayList<>(GRAMMAR.kinds());
      Collections.shuffle(kinds, random);
      List<String> things = new ArrayList<>();
      for (int n = 0; n <= i % 3; n++) {
        things.add("a %s %s".formatted(GRAMMAR.colours().get(random.nextInt(4)), kinds.get(n)));
      }
      String place = List.of("on the beach", "at sea", "in the snow").get(random.nextInt(3));
      captions.add(
          i % 10 == 9 ? "two red cats " + place : String.join(" and ", things) + " " + place);
    }
    return captions;
  }

  private static List<Painted> real() {
    List<Painted> pictures = new ArrayList<>();
    for (int i = 0; i < SAMPLES; i++) {
      pictures.add(new Painted(i, CAPTIONS.get(i), new float[] {i}));
    }
    return pictures;
  }

  /** Sees what a number stands for; features cluster by the setting. */
  private static List<Judged> see(
      String what, long expected, JavaRDD<Painted> pictures, Set<Integer> shown) {
    if (expected > 0) {
      assertThat(pictures.count()).as(what).isLessThanOrEqualTo(expected);
    }
    return pictures.collect().stream()
        .sorted(Comparator.comparingInt(Painted::index))
        .map(
            p -> {
              int number = (int) p.picture()[0];
              AttributePrediction seen = showing(CAPTIONS.get(number % 20 == 0 ? 7 : number));
              Random random = new Random(number);
              float[] features = new float[FEATURES];
              for (int f = 0; f < FEATURES; f++) {
                float away = p.picture().length > 1 ? p.picture()[1] : 0;
                features[f] = (float) random.nextGaussian() + 3 * seen.setting() + away;
              }
              byte[] png = shown.contains(p.index()) ? new byte[] {(byte) number} : null;
              return new Judged(p.index(), p.caption(), seen, features, png);
            })
        .toList();
  }

  private static AttributePrediction showing(String caption) {
    Attributes attributes = GRAMMAR.parse(caption);
    float[] settings = new float[3];
    settings[GRAMMAR.settingNames().indexOf(attributes.setting())] = 1;
    float[] presence = new float[6];
    float[] colours = new float[6 * 4];
    for (Attributes.Thing thing : attributes.things()) {
      int kind = GRAMMAR.kinds().indexOf(thing.kind());
      presence[kind] = 1;
      colours[kind * 4 + GRAMMAR.colours().indexOf(thing.colour())] = 1;
    }
    return new AttributePrediction(settings, presence, colours);
  }

  /** Paints the real picture of each prompt, {@code shift} prompts of as many things further on. */
  private static Painter painter(int shift, float away) {
    return (prompts, guidance) -> {
      List<Painted> pictures = new ArrayList<>();
      for (int i = 0; i < prompts.size(); i++) {
        int from = i - i % PROMPTS;
        String wanted = prompts.get(from + (i - from + (guidance == null ? shift : 0)) % PROMPTS);
        int number = CAPTIONS.indexOf(wanted);
        pictures.add(new Painted(i, prompts.get(i), new float[] {number, away}));
      }
      Collections.shuffle(pictures, new Random(2));
      return context.parallelize(pictures, 3);
    };
  }

  private static PictureEvaluation.Outcome evaluate(
      EvaluateConfig config,
      boolean texts,
      Painter painter,
      UnaryOperator<JavaRDD<Painted>> firstStage) {
    return new PictureEvaluation(config, GRAMMAR, PictureEvaluationTest::see, texts)
        .run(context.parallelize(real(), 4), painter, firstStage);
  }

  private static EvaluateConfig config(int prompts) {
    return new EvaluateConfig(null, prompts, 3, null, null, 1, null, Map.of());
  }

  private static void assertNear(PromptAccuracy.Share share, double expected, double tolerance) {
    assertThat(share.accuracy().value()).isCloseTo(expected, Offset.offset(tolerance));
  }

  @Test
  void aPerfectPainterScoresLikeTheClassifierItself() {
    PictureEvaluation.Outcome outcome = evaluate(config(PROMPTS), true, painter(0, 0), null);
    PictureFigures figures = outcome.figures();
    assertThat(figures.promptAccuracy().keySet()).containsExactly("generated", "unguided", "real");
    // captions are not all different, so a few prompts have the picture of their twin
    for (int group = 0; group < 2; group++) {
      PromptAccuracy.Group generated = figures.promptAccuracy().get("generated").get(group);
      PromptAccuracy.Group real = figures.promptAccuracy().get("real").get(group);
      assertThat(generated.things()).isEqualTo(group + 1);
      assertThat(generated.prompts()).isEqualTo(PROMPTS);
      assertThat(real.object().count()).isEqualTo((group + 1L) * PROMPTS);
      assertNear(generated.setting(), real.setting().accuracy().value(), 0.04);
      assertNear(generated.object(), real.object().accuracy().value(), 0.04);
      assertNear(generated.colour(), real.colour().accuracy().value(), 0.04);
      assertNear(real.object(), 0.96, 0.04);
      assertThat(real.object().accuracy().value()).isLessThan(1);
    }
    assertThat(figures.pictures()).isEqualTo(2 * PROMPTS);
    assertThat(figures.referencePictures()).isEqualTo(2 * SAMPLES * 9 / 30 - 2 * PROMPTS);
    double floor = figures.frechetDistance().get("real").value();
    assertThat(figures.frechetDistance().get("generated").value())
        .isCloseTo(floor, Offset.offset(0.5 * floor));
    assertThat(figures.notes()).isEmpty();
  }

  @Test
  void aPainterThatMixesPromptsUpScoresByChanceAndItsDistanceDoesNotTell() {
    PictureFigures figures = evaluate(config(PROMPTS), true, painter(37, 0), null).figures();
    PictureFigures perfect = evaluate(config(PROMPTS), true, painter(0, 0), null).figures();
    for (int group = 0; group < 2; group++) {
      PromptAccuracy.Group mixed = figures.promptAccuracy().get("generated").get(group);
      assertNear(mixed.setting(), mixed.setting().chance(), 0.15);
      assertNear(mixed.object(), mixed.object().chance(), 0.15);
      assertNear(mixed.colour(), mixed.colour().chance(), 0.15);
      assertThat(mixed.object().chance()).isBetween(0.1, 0.5);
      // unguided it paints as it should
      PromptAccuracy.Group unguided = figures.promptAccuracy().get("unguided").get(group);
      assertThat(unguided.object().accuracy().value()).isGreaterThan(0.9);
    }
    assertThat(figures.frechetDistance().get("generated").value())
        .isCloseTo(perfect.frechetDistance().get("generated").value(), Offset.offset(1e-6));
  }

  @Test
  void picturesOfAnotherWorldAreFarAway() {
    PictureFigures figures = evaluate(config(PROMPTS), true, painter(0, 5), null).figures();
    assertThat(figures.frechetDistance().get("generated").low())
        .isGreaterThan(10 * figures.frechetDistance().get("real").high());
  }

  @Test
  void whatTheFirstStageGivesBackIsMeasuredToo() {
    UnaryOperator<JavaRDD<Painted>> spoiling =
        pictures ->
            pictures.map(p -> new Painted(p.index(), p.caption(), new float[] {p.picture()[0], 5}));
    PictureFigures figures = evaluate(config(PROMPTS), true, painter(0, 0), spoiling).figures();
    assertThat(figures.promptAccuracy().get("first_stage"))
        .isEqualTo(figures.promptAccuracy().get("real"));
    assertThat(figures.frechetDistance().get("first_stage").value())
        .isGreaterThan(5 * figures.frechetDistance().get("real").value());
  }

  @Test
  void thePicturesOfTheFirstPromptsAreShown() {
    List<ShownPictures> shown = evaluate(config(PROMPTS), true, painter(0, 0), null).shown();
    assertThat(shown).hasSize(6);
    List<String> ones = shown.subList(0, 3).stream().map(ShownPictures::prompt).toList();
    assertThat(ones).containsExactly(CAPTIONS.get(0), CAPTIONS.get(3), CAPTIONS.get(6));
    assertThat(shown.get(3).prompt()).isEqualTo(CAPTIONS.get(1));
    assertThat(shown.get(4).files().keySet()).containsExactly("generated", "unguided", "real");
    assertThat(shown.get(4).files().get("real")).containsExactly(4);
  }

  @Test
  void withoutTextsOnlyDistancesAreMeasuredToEverySecondPicture() {
    Painter painter =
        (prompts, guidance) -> {
          List<Painted> pictures = new ArrayList<>();
          for (int i = 0; i < prompts.size(); i++) {
            assertThat(prompts.get(i)).isEmpty();
            pictures.add(new Painted(i, "", new float[] {(2 * i + 1) % SAMPLES, 0}));
          }
          return context.parallelize(pictures, 2);
        };
    PictureEvaluation.Outcome outcome = evaluate(config(PROMPTS), false, painter, null);
    PictureFigures figures = outcome.figures();
    assertThat(figures.promptAccuracy()).isEmpty();
    assertThat(figures.pictures()).isEqualTo(2 * PROMPTS);
    assertThat(figures.referencePictures()).isEqualTo(SAMPLES / 2);
    assertThat(figures.frechetDistance().keySet()).containsExactly("generated", "real");
    assertThat(figures.frechetDistance().get("generated"))
        .isEqualTo(figures.frechetDistance().get("real")); // the very same pictures
    assertThat(outcome.shown()).hasSize(6);
  }

  @Test
  void whatIsTooLittleIsNotedAndWhatIsNothingIsRefused() {
    PictureFigures figures = evaluate(config(500), true, painter(0, 0), null).figures();
    assertThat(figures.notes())
        .anyMatch(note -> note.contains("180 captions of the split name 1 things"))
        .anyMatch(note -> note.contains("no distance of generated"));
    assertThat(figures.frechetDistance()).isEmpty();
    List<Painted> unnamed = List.of(new Painted(0, "a picture", new float[] {0}));
    PictureEvaluation evaluation =
        new PictureEvaluation(config(5), GRAMMAR, PictureEvaluationTest::see, true);
    assertThatThrownBy(() -> evaluation.run(context.parallelize(unnamed), painter(0, 0), null))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no caption of the split names one or two of [ball, bear");
    Painter lazy = (prompts, guidance) -> context.parallelize(List.<Painted>of());
    assertThatThrownBy(() -> evaluate(config(5), true, lazy, null))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("prompts=10 pictures=0");
  }
}
