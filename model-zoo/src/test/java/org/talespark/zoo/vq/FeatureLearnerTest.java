package org.talespark.zoo.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;

class FeatureLearnerTest {

  private static FeatureLearnerConfig config(int vocabulary, List<String> words) {
    return new FeatureLearnerConfig(
        Fixtures.FEATURES,
        vocabulary,
        words,
        new OptimizerConfig.AdamW(0.9, 0.99, 1e-8, 0),
        new Schedule.Constant(),
        5);
  }

  private static Batch pictures() {
    return new Batch(
        List.of("a", "b", "c", "d"),
        Fixtures.batch(1, 0, 4).pictures(),
        List.of("A red fox.", "red house", "a FOX; a house", "blue, unknown"));
  }

  @Test
  void theWordsOfAFewPicturesAreLearnt() {
    FeatureLearnerConfig config = config(4, List.of("red", "fox", "house", "blue"));
    try (Learner learner =
        config.create(Fixtures.context(4, DataType.FLOAT, Reducer.ALONE, 2e-2))) {
      Batch batch = pictures();
      double first = learner.step(batch, new Progress(0, 0)).losses().get("loss");
      double last = first;
      for (int step = 1; step < 150; step++) {
        last = learner.step(batch, new Progress(step, 0)).losses().get("loss");
      }
      assertThat(first).isCloseTo(Math.log(2), Offset.offset(0.2));
      assertThat(last).isLessThan(first / 5);
      Map<String, double[]> sums = learner.evaluate(batch);
      assertThat(sums.get("truths")[0]).isEqualTo(7);
      assertThat(config.metrics(sums).get("word_f1")).isEqualTo(1);
      Batch part = new Batch(List.of("d"), Fixtures.batch(1, 3, 1).pictures(), List.of("blue"));
      assertThat(learner.evaluate(part).get("truths")[0]).isEqualTo(1);
      assertThat(learner.evaluate(part).get("guesses")[0]).isEqualTo(1);
      assertThat(learner.model().keySet())
          .contains("features.0.weight", "features.3.bias", "classifier.weight");
    }
  }

  @Test
  void theVocabularyIsTheMostFrequentWordsOfThreeLettersOrMore() {
    Map<String, Long> counts =
        Map.of("fox", 5L, "house", 9L, "is", 99L, "zebra", 5L, "ant", 5L, "rare", 1L);
    LearnerConfig completed = config(3, List.of()).completed(() -> counts);
    assertThat(((FeatureLearnerConfig) completed).words())
        .containsExactly("house", "ant", "fox"); // equal counts in alphabetical order
    FeatureLearnerConfig given = config(3, List.of("one", "two"));
    assertThat(given.completed(() -> counts)).isSameAs(given);
    assertThatThrownBy(() -> config(3, List.of()).completed(() -> Map.of("is", 3L, "fox", 1L)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("captions have 1 words of 3 letters or more");
  }

  @Test
  void metricsFollowTheirFormulas() {
    FeatureLearnerConfig config = config(2, List.of("one", "two"));
    Map<String, Double> metrics =
        config.metrics(
            Map.of(
                "hits", new double[] {3},
                "guesses", new double[] {4},
                "truths", new double[] {6}));
    assertThat(metrics.get("word_f1")).isCloseTo(0.6, Offset.offset(1e-12));
    assertThat(metrics.get("word_precision")).isEqualTo(0.75);
    assertThat(metrics.get("word_recall")).isEqualTo(0.5);
    Map<String, double[]> none =
        Map.of("hits", new double[] {0}, "guesses", new double[] {0}, "truths", new double[] {0});
    assertThat(config.metrics(none).values()).containsOnly(0.0);
    assertThat(config.bestMetric()).isEqualTo("word_f1");
  }

  @Test
  void aLearnerWithoutWordsAndAVocabularyOfOneAreRefused() {
    assertThatThrownBy(
            () -> config(4, List.of()).create(Fixtures.context(2, DataType.FLOAT, Reducer.ALONE)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("words is empty");
    assertThatThrownBy(() -> config(1, List.of())).hasMessageContaining("vocabulary=1");
  }
}
