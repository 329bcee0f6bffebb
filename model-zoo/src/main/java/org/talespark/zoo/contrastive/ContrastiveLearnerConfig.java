package org.talespark.zoo.contrastive;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.talespark.zoo.lora.LoraConfig;
import org.talespark.zoo.lora.PeftAdapter;
import org.talespark.zoo.optim.OptimizerConfig;
import org.talespark.zoo.optim.Schedule;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.FrozenBase;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.LearnerConfig;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.SampleRows;

/**
 * Training of a {@link ClipModel} on the pictures and captions of a dataset: from scratch, from the
 * weights of another run, or of adapters alone on the weights of another run.
 *
 * @param model with {@code lora} left out for the base's
 * @param loss over the pairs of all workers
 * @param tokenizer URI of a {@code tokenizer.json}, or of the directory it lies in; with {@code
 *     lora} left out for the base's
 * @param contextLength tokens of a row; a longer caption is cut before its end
 * @param clipNorm largest global norm of the gradients
 * @param emaDecay of the averaged weights
 * @param lora the adapters that alone are trained, or null to train all weights
 */
public record ContrastiveLearnerConfig(
    ClipModel.Config model,
    PairLoss loss,
    String tokenizer,
    int contextLength,
    OptimizerConfig optimizer,
    Schedule schedule,
    double clipNorm,
    double emaDecay,
    LoraConfig lora)
    implements LearnerConfig {

  public ContrastiveLearnerConfig {
    boolean open = lora != null && lora.base() == null; // the base brings model and tokenizer
    if (!open) {
      requireNonNull(model, "task.model");
    }
    requireNonNull(loss, "task.loss");
    requireNonNull(optimizer, "task.optimizer");
    requireNonNull(schedule, "task.schedule");
    if (tokenizer == null && !open) {
      throw new IllegalArgumentException(
          "Cannot configure training: task.tokenizer is missing, expected the directory of a tokenizer.json; try `talespark tokenizer` first, then task.tokenizer=DIR");
    }
    int positions = model == null ? Integer.MAX_VALUE : model.textConfig().maxPositionEmbeddings();
    if (contextLength < 2 || contextLength > positions) {
      throw new IllegalArgumentException(
          "Cannot configure training: context_length=%d, expected 2 to max_position_embeddings=%d"
              .formatted(contextLength, positions));
    }
  }

  /** Without adapters: all weights are trained. */
  public ContrastiveLearnerConfig(
      ClipModel.Config model,
      PairLoss loss,
      String tokenizer,
      int contextLength,
      OptimizerConfig optimizer,
      Schedule schedule,
      double clipNorm,
      double emaDecay) {
    this(model, loss, tokenizer, contextLength, optimizer, schedule, clipNorm, emaDecay, null);
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

  /** A run with adapters names its base too. */
  @Override
  public Object modelConfig(int size) {
    Map<String, Object> file = ClipFile.write(model);
    if (lora != null) {
      file.put(PeftAdapter.BASE, lora.base());
    }
    return file;
  }

  @Override
  public LearnerConfig located(UnaryOperator<String> absolute) {
    return with(model, absolute.apply(tokenizer), lora);
  }

  @Override
  public Optional<FrozenBase> base() {
    return Optional.ofNullable(lora).map(LoraConfig::base);
  }

  @Override
  public boolean keepsBase() {
    return lora != null;
  }

  @Override
  public LearnerConfig onBase(FrozenBase base, JsonNode config) {
    ClipModel.Config ofBase = ClipFile.read(config);
    if (model != null && !model.equals(ofBase)) {
      throw new IllegalArgumentException(
          "Cannot configure training: task.model=%s, expected the base's with task.lora, %s; leave task.model out"
              .formatted(model, ofBase));
    }
    lora.checkTargets(linearLayers(ofBase));
    return with(ofBase, tokenizer == null ? base.checkpoint() : tokenizer, lora.on(base));
  }

  private static List<String> linearLayers(ClipModel.Config model) {
    return ClipShapes.of(model).entrySet().stream()
        .filter(tensor -> tensor.getValue().size() == 2)
        .map(Map.Entry::getKey)
        .filter(name -> !name.contains(".embeddings."))
        .map(name -> name.replaceFirst("\\.weight$", ""))
        .toList();
  }

  private ContrastiveLearnerConfig with(ClipModel.Config of, String tokens, LoraConfig adapters) {
    return new ContrastiveLearnerConfig(
        of, loss, tokens, contextLength, optimizer, schedule, clipNorm, emaDecay, adapters);
  }
}
