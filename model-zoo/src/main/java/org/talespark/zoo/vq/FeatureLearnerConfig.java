package org.talespark.zoo.vq;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;

/**
 * Training of a feature network on the corpus itself: it learns to name the words of a picture's
 * caption (Joulin 2016, arXiv:1511.02251), which needs no labels.
 *
 * @param vocabulary how many of the corpus' most frequent words to predict
 * @param words those words; filled in from the corpus when empty
 * @param clipNorm largest global norm of the gradients
 */
public record FeatureLearnerConfig(
    FeatureNetwork.Config network,
    int vocabulary,
    List<String> words,
    OptimizerConfig optimizer,
    Schedule schedule,
    double clipNorm)
    implements LearnerConfig {
  private static final ObjectMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();
  private static final int SHORTEST_WORD = 3;

  public FeatureLearnerConfig {
    words = words == null ? List.of() : List.copyOf(words);
    if (vocabulary < 2) {
      throw new IllegalArgumentException(
          "Cannot configure features: vocabulary=%d, expected at least 2".formatted(vocabulary));
    }
  }

  /** The network of a checkpoint's {@code config.json}. */
  static FeatureNetwork.Config networkOf(JsonNode config) {
    if (!config.has("network")) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint as feature network: config.json has no key network; expected a run of the features recipe, or VGG weights with widths, depths, mean and deviation under network");
    }
    try {
      return JSON.treeToValue(config.get("network"), FeatureNetwork.Config.class);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint as feature network: network=%s, expected widths, depths, mean and deviation"
              .formatted(config.get("network")),
          e);
    }
  }

  @Override
  public LearnerConfig completed(Supplier<Map<String, Long>> wordCounts) {
    if (!words.isEmpty()) {
      return this;
    }
    List<String> frequent =
        wordCounts.get().entrySet().stream()
            .filter(e -> e.getKey().length() >= SHORTEST_WORD)
            .sorted(
                Comparator.comparingLong((Map.Entry<String, Long> e) -> -e.getValue())
                    .thenComparing(Map.Entry::getKey))
            .limit(vocabulary)
            .map(Map.Entry::getKey)
            .toList();
    if (frequent.size() < 2) {
      throw new IllegalArgumentException(
          "Cannot train features: the captions have %d words of %d letters or more, expected at least 2"
              .formatted(frequent.size(), SHORTEST_WORD));
    }
    return new FeatureLearnerConfig(network, vocabulary, frequent, optimizer, schedule, clipNorm);
  }

  Descent.Settings descent() {
    return new Descent.Settings(optimizer, schedule, clipNorm, null);
  }

  @Override
  public Learner create(LearnerContext context) {
    return new FeatureLearner(this, context);
  }

  @Override
  public Map<String, Double> metrics(Map<String, double[]> sums) {
    double hits = sums.get(FeatureLearner.HITS)[0];
    double guesses = sums.get(FeatureLearner.GUESSES)[0];
    double truths = sums.get(FeatureLearner.TRUTHS)[0];
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("word_f1", guesses + truths == 0 ? 0 : 2 * hits / (guesses + truths));
    metrics.put("word_precision", guesses == 0 ? 0 : hits / guesses);
    metrics.put("word_recall", truths == 0 ? 0 : hits / truths);
    return metrics;
  }

  @Override
  public String bestMetric() {
    return "word_f1";
  }

  @Override
  public Object modelConfig(int size) {
    Map<String, Object> wrapped = new LinkedHashMap<>();
    wrapped.put("network", network);
    wrapped.put("words", words);
    wrapped.put("sample_size", size);
    return wrapped;
  }
}
