package org.talespark.zoo.contrastive;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.SampleRows;

/**
 * Training of a {@link ClipModel} on the pictures and captions of a dataset, from scratch or from
 * the weights of another run.
 *
 * @param loss over the pairs of all workers
 * @param tokenizer URI of a {@code tokenizer.json}, or of the directory it lies in
 * @param contextLength tokens of a row; a longer caption is cut before its end
 * @param clipNorm largest global norm of the gradients
 * @param emaDecay of the averaged weights
 */
public record ContrastiveLearnerConfig(
    ClipModel.Config model,
    PairLoss loss,
    String tokenizer,
    int contextLength,
    OptimizerConfig optimizer,
    Schedule schedule,
    double clipNorm,
    double emaDecay)
    implements LearnerConfig {

  public ContrastiveLearnerConfig {
    requireNonNull(model, "task.model");
    requireNonNull(loss, "task.loss");
    requireNonNull(optimizer, "task.optimizer");
    requireNonNull(schedule, "task.schedule");
    if (tokenizer == null) {
      throw new IllegalArgumentException(
          "Cannot configure training: task.tokenizer is missing, expected the directory of a tokenizer.json; try `talespark tokenizer` first, then task.tokenizer=DIR");
    }
    int positions = model.textConfig().maxPositionEmbeddings();
    if (contextLength < 2 || contextLength > positions) {
      throw new IllegalArgumentException(
          "Cannot configure training: context_length=%d, expected 2 to max_position_embeddings=%d"
              .formatted(contextLength, positions));
    }
  }

  Descent.Settings descent() {
    return new Descent.Settings(optimizer, schedule, clipNorm, emaDecay);
  }

  @Override
  public Learner create(LearnerContext context) {
    return new ContrastiveLearner(this, context);
  }

  @Override
  public Map<String, Double> metrics(Map<String, double[]> sums) {
    return ContrastiveMetrics.of(sums, SampleRows.NONE);
  }

  @Override
  public Map<String, Double> metrics(Map<String, double[]> sums, SampleRows rows) {
    return ContrastiveMetrics.of(sums, rows);
  }

  @Override
  public String bestMetric() {
    return Retrieval.MEAN;
  }

  @Override
  public Object modelConfig(int size) {
    return ClipFile.write(model);
  }

  @Override
  public LearnerConfig located(UnaryOperator<String> absolute) {
    return new ContrastiveLearnerConfig(
        model,
        loss,
        absolute.apply(tokenizer),
        contextLength,
        optimizer,
        schedule,
        clipNorm,
        emaDecay);
  }
}
