package org.talespark.zoo.vq;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.CaptionWords;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NetworkLearner;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.StepResult;

/**
 * One worker's feature network: the last map, averaged over positions, a linear layer, and for each
 * word of the vocabulary the cross-entropy of whether the caption has it.
 */
final class FeatureLearner implements NetworkLearner {
  static final String HITS = "hits";
  static final String GUESSES = "guesses";
  static final String TRUTHS = "truths";
  private static final String LABELS = "labels";
  private static final String LOGITS = "logits";
  private static final String LOSS = "loss";

  private final LearnerContext context;
  private final CompiledGraph plan;
  private final Map<String, Integer> wordIndex = new LinkedHashMap<>();
  private final Descent descent;
  private final INDArray shared;

  FeatureLearner(FeatureLearnerConfig config, LearnerContext context) {
    this.context = context;
    if (config.words().isEmpty()) {
      throw new IllegalArgumentException("Cannot train features: words is empty");
    }
    for (String word : config.words()) {
      wordIndex.put(word, wordIndex.size());
    }
    Ops ops = new Ops(context.type());
    Layers layers = Layers.trainable(ops, context.seed());
    SDVariable pictures =
        ops.input(VqModel.PICTURES, context.batch(), 3, context.size(), context.size());
    SDVariable labels = ops.input(LABELS, context.batch(), wordIndex.size());
    List<SDVariable> maps = FeatureNetwork.maps(config.network(), layers, pictures);
    int width = config.network().widths().get(maps.size() - 1);
    SDVariable pooled = maps.get(maps.size() - 1).mean(false, 2, 3); // [B, width]
    SDVariable logits =
        ops.name(LOGITS, layers.linear("classifier", pooled, width, wordIndex.size()));
    ops.name(LOSS, ops.softplus(logits).sub(logits.mul(labels)).mean());
    this.plan =
        CompiledGraph.of(ops.graph())
            .input(VqModel.PICTURES, context.batch(), 3, context.size(), context.size())
            .input(LABELS, context.batch(), wordIndex.size())
            .outputs(LOGITS)
            .losses(LOSS)
            .train(layers.names())
            .build();
    this.descent = new Descent(plan, context, config.descent());
    this.shared = Nd4j.zeros(context.type(), 1);
  }

  /** [batch, words], one where the caption has the word. */
  private float[] labels(Batch batch) {
    float[] labels = new float[context.batch() * wordIndex.size()];
    for (int i = 0; i < batch.size(); i++) {
      for (String word : CaptionWords.of(batch.captions().get(i))) {
        Integer index = wordIndex.get(word);
        if (index != null) {
          labels[i * wordIndex.size() + index] = 1;
        }
      }
    }
    return labels;
  }

  @Override
  public StepResult step(Batch batch, Progress progress) {
    Reducer reducer = context.reducer();
    plan.fill(VqModel.PICTURES, batch.pictures());
    plan.fill(LABELS, labels(batch));
    plan.run(descent.sums());
    shared.putScalar(0, plan.output(LOSS).getDouble(0));
    reducer.sum(shared);
    Map<String, Double> losses = new LinkedHashMap<>();
    losses.put(LOSS, shared.getDouble(0) / reducer.workers());
    descent.update(descent.sums().await(), batch, progress, losses);
    return new StepResult(losses);
  }

  @Override
  public Descent descent() {
    return descent;
  }

  @Override
  public Map<String, double[]> evaluate(Batch batch) {
    int perPicture = 3 * context.size() * context.size();
    plan.fill(
        VqModel.PICTURES, java.util.Arrays.copyOf(batch.pictures(), context.batch() * perPicture));
    plan.run();
    float[] labels = labels(batch);
    INDArray output = plan.output(LOGITS);
    float[] logits = output.reshape(output.length()).toFloatVector();
    double hits = 0;
    double guesses = 0;
    double truths = 0;
    for (int i = 0; i < batch.size() * wordIndex.size(); i++) {
      boolean guess = logits[i] > 0;
      boolean truth = labels[i] > 0;
      hits += guess && truth ? 1 : 0;
      guesses += guess ? 1 : 0;
      truths += truth ? 1 : 0;
    }
    Map<String, double[]> sums = new LinkedHashMap<>();
    sums.put(HITS, new double[] {hits});
    sums.put(GUESSES, new double[] {guesses});
    sums.put(TRUTHS, new double[] {truths});
    return sums;
  }

  @Override
  public float[][][] samples(Batch batch) {
    return new float[0][][];
  }

  @Override
  public String memoryReport() {
    return "features: " + plan.report();
  }

  @Override
  public void close() {
    plan.close();
  }
}
