package org.talespark.zoo.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.talespark.zoo.train.LearnerArrays.arrays;
import static org.talespark.zoo.train.LearnerArrays.assertSameBits;
import static org.talespark.zoo.train.LearnerArrays.copies;
import static org.talespark.zoo.train.LearnerArrays.largestDifference;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NonFiniteException;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.TrainedRun;

class LanguageLearnerTest {
  private static final int CONTEXT = 20;

  private static LanguageLearnerConfig config() {
    return new LanguageLearnerConfig(
        Models.ofBytes(true),
        CONTEXT,
        new OptimizerConfig.AdamW(0.9, 0.95, 1e-8, 0.1),
        new Schedule.Constant(),
        1,
        0.9);
  }

  private static LearnerContext context(int batch, DataType type, Reducer reducer) {
    return new LearnerContext(
        batch,
        8,
        3,
        1e-2,
        type,
        reducer,
        uri -> {
          throw new IllegalStateException(uri);
        },
        uri -> {
          throw new IllegalStateException(uri);
        });
  }

  private static Learner learner(int batch, DataType type) {
    return config().create(context(batch, type, Reducer.ALONE));
  }

  private static Progress progress(long step) {
    return new Progress(step, 0);
  }

  /** Captions {@code from} to {@code from + count} of a step, of very different lengths. */
  private static Batch batch(long step, int from, int count) {
    String[] words = {"red", "a", "fox", "über", "moon", "tree", "ox", "Ω"};
    List<String> keys = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    for (int i = from; i < from + count; i++) {
      Random random = new Random(100 * step + i);
      StringBuilder caption = new StringBuilder();
      for (int w = random.nextInt(7); w > 0; w--) {
        caption.append(words[random.nextInt(words.length)]).append(' ');
      }
      keys.add("page-%d-%d".formatted(step, i));
      captions.add(caption.toString().strip());
    }
    return new Batch(keys, new float[0], captions);
  }

  // --- learning

  @Test
  void oneBatchIsOverfitted() {
    Batch batch =
        new Batch(
            List.of("a", "b"), new float[0], List.of("A red fox.", "The moon is far away now"));
    try (Learner learner = learner(2, DataType.FLOAT)) {
      double first = learner.step(batch, progress(0)).losses().get("loss");
      assertThat(first).isCloseTo(Math.log(ByteTokens.COUNT), Offset.offset(0.3));
      Map<String, Double> last = Map.of();
      for (int step = 1; step < 250; step++) {
        last = learner.step(batch, progress(step)).losses();
      }
      assertThat(last.get("loss")).isLessThan(0.05);
      assertThat(last.get("tokens")).isEqualTo(11 + CONTEXT);
      assertThat(last.get("cut_captions")).isEqualTo(1);
      Map<String, Double> metrics = config().metrics(learner.evaluate(batch));
      assertThat(metrics.get("accuracy")).isGreaterThan(0.95);
      assertThat(metrics.get("cross_entropy")).isLessThan(0.1);
      assertThat(metrics.get("cut_share")).isEqualTo(0.5);
      assertThat(learner.samples(batch)).isEmpty();
      try (GreedyWriter writer = new GreedyWriter(config().model(), learner.ema(), CONTEXT)) {
        assertThat(writer.write("A")).isEqualTo("A red fox.");
        assertThat(writer.write("T")).isEqualTo("The moon is far awa"); // as far as it reaches
      }
    }
  }

  @Test
  void theSameSeedGivesTheSameLossesToTheBit() {
    List<Map<String, Double>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      try (Learner learner = learner(3, DataType.FLOAT)) {
        for (int step = 0; step < 5; step++) {
          runs.add(learner.step(batch(step, 0, 3), progress(step)).losses());
        }
      }
    }
    assertThat(runs.subList(0, 5)).isEqualTo(runs.subList(5, 10));
    assertThat(runs.get(0).keySet())
        .containsExactly("loss", "tokens", "cut_captions", "gradient_norm", "learning_rate");
  }

  @Test
  void savedAndLoadedTrainingEqualsUninterrupted() {
    try (Learner whole = learner(2, DataType.FLOAT);
        Learner resumed = learner(2, DataType.FLOAT)) {
      for (int step = 0; step < 4; step++) {
        whole.step(batch(step, 0, 2), progress(step));
      }
      Map<String, INDArray> live = arrays(resumed);
      copies(whole).forEach((name, array) -> live.get(name).assign(array));
      resumed.restored(whole.counters());
      for (int step = 4; step < 8; step++) {
        Map<String, Double> expected = whole.step(batch(step, 0, 2), progress(step)).losses();
        assertThat(resumed.step(batch(step, 0, 2), progress(step)).losses()).isEqualTo(expected);
      }
      assertSameBits(resumed, copies(whole));
      assertThat(resumed.counters()).isEqualTo(whole.counters());
      Map<String, double[]> expected = whole.evaluate(batch(50, 0, 2));
      resumed
          .evaluate(batch(50, 0, 2))
          .forEach((name, sum) -> assertThat(sum).as(name).isEqualTo(expected.get(name)));
    }
  }

  // --- evaluation

  @Test
  void evaluationsOfPartsAddUpToThatOfTheWhole() {
    LanguageLearnerConfig config = config();
    try (Learner learner = learner(5, DataType.DOUBLE)) {
      learner.step(batch(0, 0, 5), progress(0));
      Map<String, double[]> whole = learner.evaluate(batch(9, 0, 5));
      Map<String, double[]> sum = learner.evaluate(batch(9, 0, 2));
      learner.evaluate(batch(9, 2, 3)).forEach((name, part) -> sum.get(name)[0] += part[0]);
      assertThat(sum.keySet()).isEqualTo(whole.keySet());
      sum.forEach(
          (name, value) ->
              assertThat(value[0])
                  .as(name)
                  .isCloseTo(whole.get(name)[0], Offset.offset(1e-12 * whole.get("nats")[0])));
      Map<String, Double> metrics = config.metrics(whole);
      double nats = whole.get("nats")[0];
      assertThat(metrics.get("cross_entropy")).isEqualTo(nats / whole.get("tokens")[0]);
      assertThat(metrics.get("perplexity")).isEqualTo(Math.exp(metrics.get("cross_entropy")));
      assertThat(metrics.get("bits_per_byte"))
          .isCloseTo(nats / whole.get("bytes")[0] / Math.log(2), Offset.offset(1e-12));
      assertThat(config.bestMetric()).isEqualTo("cross_entropy");
      assertThat(config.higherIsBetter()).isFalse();
      assertThat(config.pictures()).isFalse();
    }
  }

  @Test
  void evaluationUsesTheAveragedWeightsAndCountsRealTokensOnly() {
    try (Learner learner = learner(2, DataType.DOUBLE)) {
      for (int step = 0; step < 3; step++) {
        learner.step(batch(step, 0, 2), progress(step));
      }
      Batch batch = new Batch(List.of("k"), new float[0], List.of("fox"));
      Map<String, double[]> sums = learner.evaluate(batch);
      ReferenceLlama reference = new ReferenceLlama(config().model(), learner.ema());
      ByteTokens.Rows rows = ByteTokens.rows(List.of("fox"), 1, CONTEXT);
      assertThat(sums.get("nats")[0])
          .isCloseTo(reference.nats(rows, CONTEXT), Offset.offset(1e-10));
      assertThat(sums.get("tokens")[0]).isEqualTo(4);
      assertThat(sums.get("bytes")[0]).isEqualTo(3);
    }
  }

  // --- several workers

  /** On the same captions whatever the number of workers. */
  private static TrainedRun train(DataType type, int workers, int steps) throws Exception {
    int each = 12 / workers;
    return TrainedRun.of(
        workers,
        steps,
        reducer -> config().create(context(each, type, reducer)),
        (step, rank) -> batch(step, rank * each, each));
  }

  @ParameterizedTest
  @CsvSource({
    "DOUBLE, 2, 100, 1e-8",
    "DOUBLE, 4, 100, 1e-8",
    "DOUBLE, 2, 8, 1e-12",
    "DOUBLE, 3, 8, 1e-12",
    "FLOAT, 2, 1, 1e-5",
    "FLOAT, 4, 1, 1e-5"
  })
  void workersTrainAsOneWithTheWholeBatchThoughTheirTokensDiffer(
      DataType type, int workers, int steps, double tolerance) throws Exception {
    int ofFirst = ByteTokens.rows(batch(0, 0, 6).captions(), 6, CONTEXT).tokens();
    int ofSecond = ByteTokens.rows(batch(0, 6, 6).captions(), 6, CONTEXT).tokens();
    assertThat(ofFirst).isNotEqualTo(ofSecond);
    TrainedRun one = train(type, 1, steps);
    TrainedRun several = train(type, workers, steps);
    several.assertLossesOf(one, tolerance);
    // Adam's first step divides each gradient by its own size, so compare its moments as well
    several
        .end()
        .forEach(
            (name, array) -> {
              INDArray expected = one.end().get(name);
              double error = array.distance2(expected) / expected.norm2Number().doubleValue();
              assertThat(error).as(name).isLessThan(10 * tolerance);
            });
  }

  @Test
  void aReplicaThatStepsApartAveragesItsWeightsWhenItIsMerged() {
    try (Learner learner = config().create(context(2, DataType.DOUBLE, Reducer.apart(1, 2)))) {
      assertThat(learner.parameters()).hasSize(1);
      assertThat(learner.statistics()).isEmpty();
      INDArray average = learner.ema().get(Llama.EMBEDDING);
      INDArray before = average.dup();
      learner.step(batch(0, 0, 2), progress(0));
      learner.step(batch(1, 0, 2), progress(1));
      assertThat(largestDifference(average, before)).isZero();
      learner.parameters().get(0).assign(0.25);
      learner.merged(2);
      double kept = 1.0 / 10 * 2 / 11; // the decays of the first two updates
      assertThat(largestDifference(average, before.mul(kept).add(0.25 * (1 - kept))))
          .isLessThan(1e-15);
      assertThat(learner.counters()).containsEntry("ema", 2L).containsEntry("optimizer", 2L);
    }
  }

  // --- what is not finite

  @Test
  void weightsThatAreNotFiniteStopTheRunByItsKeysAndUpdateNothing() {
    try (Learner learner = learner(2, DataType.FLOAT)) {
      learner.step(batch(0, 0, 2), progress(0));
      INDArray table = learner.model().get(Llama.EMBEDDING);
      float before = table.getFloat(ByteTokens.BEGIN, 3);
      for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
        table.putScalar(ByteTokens.BEGIN, 3, bad);
        Map<String, INDArray> state = new LinkedHashMap<>(learner.state());
        state.replaceAll((name, array) -> array.dup());
        assertThatThrownBy(() -> learner.step(batch(7, 0, 2), progress(7)))
            .isInstanceOf(NonFiniteException.class)
            .hasMessageContaining("step=7 worker=0")
            .hasMessageContaining("[page-7-0, page-7-1]");
        learner
            .state()
            .forEach(
                (name, array) ->
                    assertThat(largestDifference(array, state.get(name))).as(name).isZero());
        assertThat(learner.counters()).containsEntry("optimizer", 1L).containsEntry("ema", 1L);
      }
      table.putScalar(ByteTokens.BEGIN, 3, before);
      assertThat(learner.step(batch(8, 0, 2), progress(8)).losses().values())
          .allMatch(Double::isFinite);
    }
  }

  // --- configuration

  @Test
  void aVocabularyOrContextThatDoesNotFitIsRefused() {
    LanguageLearnerConfig good = config();
    assertThatThrownBy(
            () ->
                new LanguageLearnerConfig(
                    Models.config(258, 2, true), 8, good.optimizer(), good.schedule(), 1, 0.9))
        .hasMessageContaining("vocab_size=258, expected at least 259");
    for (int context : new int[] {1, 33}) {
      assertThatThrownBy(
              () ->
                  new LanguageLearnerConfig(
                      good.model(), context, good.optimizer(), good.schedule(), 1, 0.9))
          .hasMessageContaining("context_length=" + context)
          .hasMessageContaining("max_position_embeddings=32");
    }
  }

  @Test
  void theMemoryReportNamesTheSizeOfTheModel() {
    try (Learner learner = learner(2, DataType.FLOAT)) {
      assertThat(learner.memoryReport())
          .contains("language model of %d parameters".formatted(config().model().parameters()))
          .contains("evaluation: ");
    }
  }
}
