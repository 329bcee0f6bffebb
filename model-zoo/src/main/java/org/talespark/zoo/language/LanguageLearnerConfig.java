package org.talespark.zoo.language;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;

/**
 * Training of a language model on the captions of a dataset, as UTF-8 bytes ({@link ByteTokens}).
 *
 * @param model of at least {@value ByteTokens#COUNT} tokens; more only round the sizes of matrices
 * @param contextLength tokens of a row; a caption with its begin and end that is longer is cut
 * @param clipNorm largest global norm of the gradients
 * @param emaDecay of the averaged weights
 */
public record LanguageLearnerConfig(
    Llama.Config model,
    int contextLength,
    OptimizerConfig optimizer,
    Schedule schedule,
    double clipNorm,
    double emaDecay)
    implements LearnerConfig {

  public LanguageLearnerConfig {
    requireNonNull(model, "task.model");
    requireNonNull(optimizer, "task.optimizer");
    requireNonNull(schedule, "task.schedule");
    if (model.vocabSize() < ByteTokens.COUNT) {
      throw new IllegalArgumentException(
          "Cannot configure training: vocab_size=%d, expected at least %d (256 bytes, begin, end and padding)"
              .formatted(model.vocabSize(), ByteTokens.COUNT));
    }
    if (contextLength < 2 || contextLength > model.maxPositionEmbeddings()) {
      throw new IllegalArgumentException(
          "Cannot configure training: context_length=%d, expected 2 to max_position_embeddings=%d"
              .formatted(contextLength, model.maxPositionEmbeddings()));
    }
  }

  Descent.Settings descent() {
    return new Descent.Settings(optimizer, schedule, clipNorm, emaDecay);
  }

  @Override
  public Learner create(LearnerContext context) {
    return new LanguageLearner(this, context);
  }

  @Override
  public Map<String, Double> metrics(Map<String, double[]> sums) {
    return LanguageMetrics.of(sums);
  }

  @Override
  public String bestMetric() {
    return LanguageMetrics.LOSS;
  }

  @Override
  public boolean higherIsBetter() {
    return false;
  }

  @Override
  public boolean pictures() {
    return false;
  }

  @Override
  public Object modelConfig(int size) {
    return LlamaFile.write(model);
  }
}
