package org.talespark.zoo.attributes;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.train.Pretrained;
import org.talespark.zoo.train.Weights;

/** A trained attribute classifier in use, batch by batch. Not thread-safe. */
public final class AttributeClassifier implements AutoCloseable {
  private static final ObjectMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  /**
   * What was seen.
   *
   * @param predictions one a picture
   * @param features [F] a picture: the space of the Fr&eacute;chet distance
   */
  public record Seen(List<AttributePrediction> predictions, List<float[]> features) {
    public Seen {
      predictions = List.copyOf(predictions);
      features = List.copyOf(features);
    }
  }

  private final AttributeLearnerConfig.ModelFile file;
  private final int batch;
  private final AttributePlan plan;

  /**
   * Loads a checkpoint.
   *
   * @param batch pictures a pass
   */
  public AttributeClassifier(Pretrained checkpoint, int batch) {
    this.file = modelFile(checkpoint.config());
    this.batch = batch;
    this.plan =
        new AttributePlan(
            file.model(),
            file.grammar(),
            DataType.FLOAT,
            batch,
            file.sampleSize(),
            Weights.of(checkpoint));
  }

  private static AttributeLearnerConfig.ModelFile modelFile(JsonNode config) {
    try {
      return JSON.treeToValue(config, AttributeLearnerConfig.ModelFile.class);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "Cannot use checkpoint as attribute classifier: expected grammar, model and sample_size in its config.json, as a run of the attributes recipe writes it: "
              + e.getMessage().lines().findFirst().orElse(""),
          e);
    }
  }

  /** The names of what a checkpoint's classifier sees. */
  public static CaptionGrammar grammar(Pretrained checkpoint) {
    return modelFile(checkpoint.config()).grammar();
  }

  /** The names of what it sees. */
  public CaptionGrammar grammar() {
    return file.grammar();
  }

  /** Pixels a side. */
  public int size() {
    return file.sampleSize();
  }

  /** Looks at pictures [count, 3, size, size] in [-1, 1], as many as there are. */
  public Seen see(float[] pictures) {
    int each = 3 * size() * size();
    if (pictures.length % each != 0) {
      throw new IllegalArgumentException(
          "Cannot classify pictures: elements=%d, expected a multiple of %d for pictures of %d x %d"
              .formatted(pictures.length, each, size(), size()));
    }
    int count = pictures.length / each;
    List<AttributePrediction> predictions = new ArrayList<>();
    List<float[]> features = new ArrayList<>();
    for (int from = 0; from < count; from += batch) {
      int to = Math.min(count, from + batch);
      plan.run(Arrays.copyOfRange(pictures, from * each, to * each));
      predictions.addAll(plan.predictions(to - from));
      features.addAll(plan.features(to - from));
    }
    return new Seen(predictions, features);
  }

  @Override
  public void close() {
    plan.close();
  }
}
