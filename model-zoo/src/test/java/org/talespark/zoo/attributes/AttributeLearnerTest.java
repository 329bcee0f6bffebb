package org.talespark.zoo.attributes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.attributes.Toys.batch;
import static org.talespark.zoo.train.LearnerArrays.arrays;
import static org.talespark.zoo.train.LearnerArrays.assertSameBits;
import static org.talespark.zoo.train.LearnerArrays.copies;
import static org.talespark.zoo.train.LearnerArrays.largestDifference;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.NonFiniteException;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.TrainedRun;

class AttributeLearnerTest {
  private static final ObjectMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  private static Learner learner(int batch, DataType type) {
    return Toys.config().create(Toys.context(batch, type, Reducer.ALONE));
  }

  private static Progress progress(long step) {
    return new Progress(step, 0);
  }

  private static Batch captions(Batch batch, String... captions) {
    return new Batch(batch.keys(), batch.pictures(), List.of(captions));
  }

  // --- learning

  @Test
  void settingsKindsAndColoursOfAFewToysAreLearntAndTheClassifierSeesThem() {
    Batch toys = batch(0, 0, 12);
    try (Learner learner = learner(12, DataType.FLOAT)) {
      Map<String, Double> first = learner.step(toys, progress(0)).losses();
      assertThat(first.keySet())
          .containsExactly(
              "loss",
              "setting_loss",
              "object_loss",
              "colour_loss",
              "named",
              "gradient_norm",
              "learning_rate");
      for (int step = 1; step < 150; step++) {
        learner.step(toys, progress(step));
      }
      Map<String, Double> metrics = Toys.config().metrics(learner.evaluate(toys));
      assertThat(metrics.get("accuracy")).as("%s", metrics).isEqualTo(1);
      assertThat(metrics.get("named_share")).isEqualTo(0.75);
      assertClassifierAgrees(learner);
    }
  }

  private static void assertClassifierAgrees(Learner learner) {
    Pretrained checkpoint =
        new Pretrained(
            JSON.valueToTree(Toys.config().modelConfig(Toys.SIDE)),
            new LinkedHashMap<>(learner.ema()),
            Map.of());
    Batch batch = batch(8888, 0, 11);
    try (AttributeClassifier classifier = new AttributeClassifier(checkpoint, 4)) {
      assertThat(classifier.size()).isEqualTo(Toys.SIDE);
      AttributeClassifier.Seen seen = classifier.see(batch.pictures());
      Map<String, double[]> sums =
          AttributeMetrics.sums(classifier.grammar(), batch.captions(), seen.predictions());
      learner
          .evaluate(batch)
          .forEach((name, sum) -> assertThat(sums.get(name)).as(name).isEqualTo(sum));
      assertThat(seen.features()).hasSize(11).allMatch(f -> f.length == 12);
      float[] second =
          Arrays.copyOfRange(batch.pictures(), 3 * 256, 2 * 3 * 256); // in a batch of its own
      AttributeClassifier.Seen alone = classifier.see(second);
      assertThat(alone.features().get(0))
          .containsExactly(seen.features().get(1), Offset.offset(1e-4f));
      assertThatThrownBy(() -> classifier.see(new float[100]))
          .hasMessageContaining("elements=100, expected a multiple of 768");
    }
  }

  @Test
  void aCheckpointOfAnotherModelIsRefused() {
    Pretrained other = new Pretrained(JSON.valueToTree(Map.of("model", 3)), Map.of(), Map.of());
    assertThatThrownBy(() -> new AttributeClassifier(other, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Cannot use checkpoint as attribute classifier")
        .hasMessageContaining("grammar, model and sample_size");
  }

  @Test
  void theSameSeedGivesTheSameLossesToTheBit() {
    List<Map<String, Double>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      try (Learner learner = learner(5, DataType.FLOAT)) {
        for (int step = 0; step < 4; step++) {
          runs.add(learner.step(batch(step, 0, 5), progress(step)).losses());
        }
      }
    }
    assertThat(runs.subList(0, 4)).isEqualTo(runs.subList(4, 8));
  }

  @Test
  void savedAndLoadedTrainingEqualsUninterrupted() {
    try (Learner whole = learner(4, DataType.FLOAT);
        Learner resumed = learner(4, DataType.FLOAT)) {
      for (int step = 0; step < 4; step++) {
        whole.step(batch(step, 0, 4), progress(step));
      }
      Map<String, INDArray> live = arrays(resumed);
      copies(whole).forEach((name, array) -> live.get(name).assign(array));
      resumed.restored(whole.counters());
      for (int step = 4; step < 7; step++) {
        Map<String, Double> expected = whole.step(batch(step, 0, 4), progress(step)).losses();
        assertThat(resumed.step(batch(step, 0, 4), progress(step)).losses()).isEqualTo(expected);
      }
      assertSameBits(resumed, arrays(whole));
      assertThat(resumed.counters()).isEqualTo(whole.counters());
    }
  }

  // --- what counts

  @Test
  void picturesWhoseCaptionsNameNothingCountInNoLoss() {
    Batch named = batch(0, 0, 2);
    String caption = "a red box and a blue ring at night";
    try (Learner two = learner(2, DataType.DOUBLE);
        Learner four = learner(4, DataType.DOUBLE)) {
      Map<String, Double> expected =
          two.step(captions(named, caption, caption), progress(0)).losses();
      Batch more = batch(0, 0, 4); // the same two pictures first
      Map<String, Double> actual =
          four.step(captions(more, caption, caption, "a picture", ""), progress(0)).losses();
      assertThat(actual.get("named")).isEqualTo(2);
      expected.forEach(
          (name, value) ->
              assertThat(actual.get(name)).as(name).isCloseTo(value, Offset.offset(1e-9)));
      Map<String, Double> none = two.step(captions(named, "nothing", "here"), progress(1)).losses();
      assertThat(none.get("loss")).isZero();
      assertThat(none.get("gradient_norm")).isZero();
    }
  }

  @Test
  void partsThatACaptionLeavesOutCountInTheirLossesAlone() {
    Batch batch = batch(0, 0, 1);
    try (Learner learner = learner(1, DataType.DOUBLE)) {
      Map<String, Double> place = learner.step(captions(batch, "at night"), progress(0)).losses();
      assertThat(place.get("setting_loss")).isPositive();
      assertThat(place.get("object_loss") + place.get("colour_loss")).isZero();
      Map<String, Double> thing = learner.step(captions(batch, "a red box"), progress(1)).losses();
      assertThat(thing.get("setting_loss")).isZero();
      assertThat(thing.get("object_loss")).isPositive();
      assertThat(thing.get("colour_loss")).isPositive();
      Map<String, Double> both =
          learner.step(captions(batch, "a red box, a blue box"), progress(2)).losses();
      assertThat(both.get("object_loss")).isPositive();
      assertThat(both.get("colour_loss")).isZero();
    }
  }

  @Test
  void metricsFollowTheirDefinitions() {
    CaptionGrammar grammar = Toys.GRAMMAR; // box, cross, ring; red, blue; day, night
    AttributePrediction night =
        new AttributePrediction(
            new float[] {0, 1}, new float[] {3, -1, 2}, new float[] {1, 0, 0, 1, 0, 1});
    Map<String, Double> metrics =
        AttributeMetrics.of(
            AttributeMetrics.sums(
                grammar,
                List.of("a red box at night", "a blue cross and a red ring by day", "a picture"),
                List.of(night, night, night)));
    assertThat(metrics.get("setting_accuracy")).isEqualTo(0.5);
    assertThat(metrics.get("object_accuracy")).isCloseTo(2.0 / 3, Offset.offset(1e-12));
    assertThat(metrics.get("colour_accuracy")).isCloseTo(2.0 / 3, Offset.offset(1e-12));
    assertThat(metrics.get("accuracy")).isEqualTo(0.5);
    assertThat(metrics.get("named_share")).isCloseTo(2.0 / 3, Offset.offset(1e-12));
    assertThat(Toys.config().bestMetric()).isEqualTo("accuracy");
    assertThat(night.kinds(2)).containsExactly(0, 2);
  }

  @Test
  void captionsWithoutAKindOrAColourOfTheGrammarAreRefusedBeforeTraining() {
    AttributeLearnerConfig config = Toys.config();
    assertThat(config.completed(() -> Map.of("red", 1L, "boxes", 2L))).isSameAs(config);
    for (Map<String, Long> counts : List.of(Map.of("red", 1L), Map.of("box", 1L, "tree", 3L))) {
      assertThatThrownBy(() -> config.completed(() -> counts))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no caption names a kind of [box, cross, ring]");
    }
  }

  // --- several workers

  @ParameterizedTest
  @CsvSource({"DOUBLE, 2, 6, 1e-10", "FLOAT, 2, 1, 1e-4"})
  void workersTrainAsOneWithTheWholeBatchThoughTheyDifferInWhatIsNamed(
      DataType type, int workers, int steps, double tolerance) throws Exception {
    assertThat(AttributeLabels.of(Toys.GRAMMAR, batch(0, 0, 6).captions(), 6).named())
        .isNotEqualTo(AttributeLabels.of(Toys.GRAMMAR, batch(0, 6, 6).captions(), 6).named());
    train(type, workers, steps).assertLossesOf(train(type, 1, steps), tolerance);
  }

  /** On the same pictures whatever the number of workers. */
  private static TrainedRun train(DataType type, int workers, int steps) throws Exception {
    int each = 12 / workers;
    return TrainedRun.of(
        workers,
        steps,
        reducer -> Toys.config().create(Toys.context(each, type, reducer)),
        (step, rank) -> batch(step, rank * each, each));
  }

  @Test
  void aReplicaThatStepsApartAveragesItsWeightsWhenItIsMerged() {
    try (Learner learner =
        Toys.config().create(Toys.context(2, DataType.DOUBLE, Reducer.apart(1, 2)))) {
      INDArray average = learner.ema().get("setting.weight");
      INDArray before = average.dup();
      learner.step(captions(batch(0, 0, 2), "a red box", "a blue box at night"), progress(0));
      assertThat(largestDifference(average, before)).isZero();
      learner.merged(1);
      assertThat(largestDifference(average, before)).isPositive();
      assertThat(learner.counters()).containsEntry("ema", 1L).containsEntry("optimizer", 1L);
    }
  }

  // --- what is not finite

  @Test
  void picturesThatAreNotFiniteStopTheRunByTheirKeysAndUpdateNothing() {
    try (Learner learner = learner(2, DataType.FLOAT)) {
      Batch good = captions(batch(7, 0, 2), "a red box", "a blue box at night");
      learner.step(good, progress(0));
      Map<String, INDArray> before = copies(learner);
      float[] spoiled = good.pictures().clone();
      spoiled[5] = Float.NaN;
      Batch bad = new Batch(good.keys(), spoiled, good.captions());
      assertThatThrownBy(() -> learner.step(bad, progress(7)))
          .isInstanceOf(NonFiniteException.class)
          .hasMessageContaining("step=7 worker=0")
          .hasMessageContaining("[toy-7-0, toy-7-1]");
      assertSameBits(learner, before);
    }
  }
}
