package org.talespark.zoo.attributes;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;

/**
 * Training of a classifier of what is in a picture. Its labels are the words of the captions.
 *
 * @param grammar what captions name
 * @param clipNorm largest global norm of the gradients
 * @param emaDecay of the averaged weights
 */
public record AttributeLearnerConfig(
    CaptionGrammar grammar,
    AttributeNetwork.Config model,
    OptimizerConfig optimizer,
    Schedule schedule,
    double clipNorm,
    double emaDecay)
    implements LearnerConfig {

  /**
   * What a checkpoint's {@code config.json} says of a classifier.
   *
   * @param sampleSize side of the pictures it was trained on
   */
  record ModelFile(CaptionGrammar grammar, AttributeNetwork.Config model, int sampleSize) {}

  public AttributeLearnerConfig {
    requireNonNull(grammar, "task.grammar");
    requireNonNull(model, "task.model");
    requireNonNull(optimizer, "task.optimizer");
    requireNonNull(schedule, "task.schedule");
  }

  /** Refuses captions that cannot name anything. */
  @Override
  public LearnerConfig completed(Supplier<Map<String, Long>> wordCounts) {
    Set<String> words = wordCounts.get().keySet();
    boolean kinds =
        grammar.things().values().stream().flatMap(List::stream).anyMatch(words::contains);
    if (!kinds || grammar.colours().stream().noneMatch(words::contains)) {
      throw new IllegalArgumentException(
          "Cannot train attributes: no caption names a kind of %s in a colour of %s; try a task.grammar of the words of this dataset's captions"
              .formatted(grammar.kinds(), grammar.colours()));
    }
    return this;
  }

  Descent.Settings descent() {
    return new Descent.Settings(optimizer, schedule, clipNorm, emaDecay);
  }

  @Override
  public Learner create(LearnerContext context) {
    return new AttributeLearner(this, context);
  }

  @Override
  public Map<String, Double> metrics(Map<String, double[]> sums) {
    return AttributeMetrics.of(sums);
  }

  @Override
  public String bestMetric() {
    return AttributeMetrics.ACCURACY;
  }

  @Override
  public Object modelConfig(int size) {
    return new ModelFile(grammar, model, size);
  }
}
