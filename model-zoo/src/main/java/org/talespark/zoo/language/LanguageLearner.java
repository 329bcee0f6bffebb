package org.talespark.zoo.language;

import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Descent;
import org.talespark.zoo.train.LearnerContext;
import org.talespark.zoo.train.NetworkLearner;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.StepResult;

/**
 * One worker's language model.
 *
 * <p>The loss is the mean cross-entropy over all real tokens of the whole global batch. Captions
 * differ in length, so workers differ in tokens: what is summed over them are the gradients of sums
 * of losses and the numbers of tokens, and only the totals are divided.
 */
final class LanguageLearner implements NetworkLearner {
  /** Gradients are exchanged in parts of this size while the backward pass goes on. */
  private static final long BUCKET_BYTES = 1 << 20;

  private static final String LOSS = "loss";
  private static final String TOKENS = "tokens";
  private static final String CUT = "cut_captions";
  private static final String PREDICTED = "predicted";

  private final LanguageLearnerConfig config;
  private final LearnerContext context;
  private final Llama.Handles handles;
  private final CompiledGraph plan;
  private final Llama.Handles evaluated;
  private final CompiledGraph evaluation;
  private final Descent descent;
  private final INDArray totals = Nd4j.zeros(DataType.DOUBLE, 3); // nats, tokens, cut captions

  LanguageLearner(LanguageLearnerConfig config, LearnerContext context) {
    this.config = config;
    this.context = context;
    int rows = context.batch();
    int length = config.contextLength();
    long n = (long) rows * length;
    Ops ops = new Ops(context.type());
    Layers layers = Layers.trainable(ops, context.seed());
    this.handles = Llama.build(config.model(), layers, rows, length);
    this.plan =
        CompiledGraph.of(ops.graph())
            .input(handles.tokens().name(), n)
            .input(handles.labels().name(), n)
            .input(handles.weights().name(), n)
            .outputs(handles.losses().name())
            .losses(handles.loss().name())
            .train(layers.names())
            .bucketBytes(BUCKET_BYTES)
            .build();
    this.descent = new Descent(plan, context, config.descent());
    Ops inference = new Ops(context.type());
    this.evaluated = Llama.build(config.model(), Layers.bound(inference), rows, length);
    inference.name(PREDICTED, inference.argMinOfRows(evaluated.logits().neg()));
    this.evaluation =
        CompiledGraph.of(inference.graph())
            .input(evaluated.tokens().name(), n)
            .input(evaluated.labels().name(), n)
            .bind(descent.averaged())
            .outputs(evaluated.losses().name(), PREDICTED)
            .build();
  }

  @Override
  public StepResult step(Batch batch, Progress progress) {
    ByteTokens.Rows rows = rows(batch);
    plan.fill(handles.tokens().name(), rows.inputs());
    plan.fill(handles.labels().name(), rows.labels());
    plan.fill(handles.weights().name(), rows.weights());
    plan.run(descent.sums());
    Reducer reducer = context.reducer();
    totals.putScalar(0, nats(plan.output(handles.losses().name()), rows));
    totals.putScalar(1, rows.tokens());
    totals.putScalar(2, rows.cut());
    reducer.sum(totals);
    double tokens = totals.getDouble(1);
    INDArray gradients = descent.sums().await();
    // until here they are the mean over the workers of sums divided by the number of positions
    gradients.muli((double) reducer.workers() * rows.inputs().length / tokens);

    Map<String, Double> losses = new LinkedHashMap<>();
    losses.put(LOSS, totals.getDouble(0) / tokens);
    losses.put(TOKENS, tokens);
    losses.put(CUT, totals.getDouble(2));
    descent.update(gradients, batch, progress, losses);
    return new StepResult(losses);
  }

  private ByteTokens.Rows rows(Batch batch) {
    return ByteTokens.rows(batch.captions(), context.batch(), config.contextLength());
  }

  private static double nats(INDArray losses, ByteTokens.Rows rows) {
    double[] each = losses.toDoubleVector();
    double sum = 0;
    for (int i = 0; i < each.length; i++) {
      sum += rows.weights()[i] == 0 ? 0 : each[i];
    }
    return sum;
  }

  @Override
  public Descent descent() {
    return descent;
  }

  @Override
  public Map<String, double[]> evaluate(Batch batch) {
    ByteTokens.Rows rows = rows(batch);
    descent.average();
    evaluation.fill(evaluated.tokens().name(), rows.inputs());
    evaluation.fill(evaluated.labels().name(), rows.labels());
    evaluation.run();
    int[] predicted = evaluation.output(PREDICTED).toIntVector();
    int hits = 0;
    for (int i = 0; i < predicted.length; i++) {
      hits += rows.weights()[i] != 0 && predicted[i] == rows.labels()[i] ? 1 : 0;
    }
    double nats = nats(evaluation.output(evaluated.losses().name()), rows);
    return LanguageMetrics.sums(nats, rows, hits, batch.size());
  }

  /** A language model makes no pictures. */
  @Override
  public float[][][] samples(Batch batch) {
    return new float[0][][];
  }

  @Override
  public String memoryReport() {
    return "language model of %d parameters: %s%nevaluation: %s"
        .formatted(config.model().parameters(), plan.report(), evaluation.report());
  }

  @Override
  public void close() {
    plan.close();
    evaluation.close();
  }
}
