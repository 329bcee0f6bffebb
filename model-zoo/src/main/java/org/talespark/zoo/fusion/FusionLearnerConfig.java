package org.talespark.zoo.fusion;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.talespark.zoo.contrastive.Retrieval;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.SampleRows;

/**
 * Training of a {@link FusionModel} on the pictures and captions of a dataset.
 *
 * @param objectives what it is trained for
 * @param tokenizer URI of a {@code tokenizer.json}, or of the directory it lies in
 * @param contextLength tokens of a row; a longer caption is cut before its end
 * @param clipNorm largest global norm of the gradients
 * @param emaDecay of the averaged weights
 */
public record FusionLearnerConfig(
    FusionModel.Config model,
    Objectives objectives,
    String tokenizer,
    int contextLength,
    OptimizerConfig optimizer,
    Schedule schedule,
    double clipNorm,
    double emaDecay)
    implements LearnerConfig {

  public FusionLearnerConfig {
    requireNonNull(model, "task.model");
    requireNonNull(objectives, "task.objectives");
    requireNonNull(optimizer, "task.optimizer");
    requireNonNull(schedule, "task.schedule");
    if (tokenizer == null) {
      throw new IllegalArgumentException(
          "Cannot configure training: task.tokenizer is missing, expected the directory of a tokenizer.json; try `talespark tokenizer` with --special '<mask>' besides its usual ones first, then task.tokenizer=DIR");
    }
    int positions = model.clip().textConfig().maxPositionEmbeddings();
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
    return new FusionLearner(this, context);
  }

  @Override
  public Map<String, Double> metrics(Map<String, double[]> sums) {
    return FusionMetrics.of(sums, SampleRows.NONE);
  }

  @Override
  public Map<String, Double> metrics(Map<String, double[]> sums, SampleRows rows) {
    return FusionMetrics.of(sums, rows);
  }

  /** Of retrieval, matching and missing words the first that there is. */
  @Override
  public String bestMetric() {
    if (objectives.contrastive() != null) {
      return Retrieval.MEAN;
    }
    return objectives.itm() != null ? FusionMetrics.ITM_ACCURACY : FusionMetrics.MLM_ACCURACY;
  }

  @Override
  public Object modelConfig(int size) {
    return FusionFile.write(model, objectives);
  }

  @Override
  public LearnerConfig located(UnaryOperator<String> absolute) {
    return new FusionLearnerConfig(
        model,
        objectives,
        absolute.apply(tokenizer),
        contextLength,
        optimizer,
        schedule,
        clipNorm,
        emaDecay);
  }
}
