package org.talespark.zoo.attributes;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
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
import org.talespark.zoo.train.Weights;

/**
 * One worker's attribute classifier.
 *
 * <p>The loss of a picture is the negative log-likelihood of what its caption names, in nats: of
 * the setting (softmax), of the presence and absence of every kind (logistic), and of the colour of
 * each kind that is present in one colour (softmax). It is averaged over the pictures of the whole
 * global batch whose captions name anything; workers differ in how many those are, so sums and
 * counts are summed over them, and only the totals are divided.
 */
final class AttributeLearner implements NetworkLearner {
  /** Gradients are exchanged in parts of this size while the backward pass goes on. */
  private static final long BUCKET_BYTES = 1 << 20;

  private static final String SETTINGS = "settings";
  private static final String SETTING_WEIGHTS = "setting_weights";
  private static final String PRESENT = "present";
  private static final String PRESENT_WEIGHTS = "present_weights";
  private static final String COLOURS = "colours";
  private static final String COLOUR_WEIGHTS = "colour_weights";
  private static final String SETTING_LOSS = "setting_loss";
  private static final String OBJECT_LOSS = "object_loss";
  private static final String COLOUR_LOSS = "colour_loss";
  private static final String LOSS = "loss";
  private static final List<String> PARTS = List.of(SETTING_LOSS, OBJECT_LOSS, COLOUR_LOSS);
  private static final String NAMED = "named";

  private final AttributeLearnerConfig config;
  private final LearnerContext context;
  private final CompiledGraph plan;
  private final AttributePlan evaluation;
  private final Descent descent;
  private final INDArray totals = Nd4j.zeros(DataType.DOUBLE, PARTS.size() + 1); // and the named

  AttributeLearner(AttributeLearnerConfig config, LearnerContext context) {
    this.config = config;
    this.context = context;
    int batch = context.batch();
    int kinds = config.grammar().kinds().size();
    Ops ops = new Ops(context.type());
    Layers layers = Layers.trainable(ops, context.seed());
    losses(
        ops,
        AttributeNetwork.build(config.model(), config.grammar(), layers, batch, context.size()));
    this.plan =
        CompiledGraph.of(ops.graph())
            .input(AttributeNetwork.PICTURES, batch, 3, context.size(), context.size())
            .input(SETTINGS, batch)
            .input(SETTING_WEIGHTS, batch)
            .input(PRESENT, batch, kinds)
            .input(PRESENT_WEIGHTS, batch)
            .input(COLOURS, (long) batch * kinds)
            .input(COLOUR_WEIGHTS, (long) batch * kinds)
            .outputs(SETTING_LOSS, OBJECT_LOSS, COLOUR_LOSS)
            .losses(LOSS)
            .train(layers.names())
            .bucketBytes(BUCKET_BYTES)
            .build();
    this.descent = new Descent(plan, context, config.descent());
    this.evaluation =
        new AttributePlan(
            config.model(),
            config.grammar(),
            context.type(),
            batch,
            context.size(),
            Weights.of(descent.averaged()));
  }

  /** The three sums over the batch, and all of it divided by the number of its pictures. */
  private void losses(Ops ops, AttributeNetwork.Handles network) {
    int batch = context.batch();
    int kinds = config.grammar().kinds().size();
    int colours = config.grammar().colours().size();
    int settings = config.grammar().settingNames().size();
    SDVariable setting =
        ops.crossEntropy(network.setting(), ops.indices(SETTINGS, batch), settings)
            .mul(ops.input(SETTING_WEIGHTS, batch))
            .sum();
    SDVariable present = ops.input(PRESENT, batch, kinds);
    SDVariable object =
        ops.softplus(network.presence())
            .sub(network.presence().mul(present))
            .sum(false, 1)
            .mul(ops.input(PRESENT_WEIGHTS, batch))
            .sum();
    SDVariable colour =
        ops.crossEntropy(network.colours(), ops.indices(COLOURS, (long) batch * kinds), colours)
            .mul(ops.input(COLOUR_WEIGHTS, (long) batch * kinds))
            .sum();
    ops.name(SETTING_LOSS, setting);
    ops.name(OBJECT_LOSS, object);
    ops.name(COLOUR_LOSS, colour);
    ops.name(LOSS, setting.add(object).add(colour).mul(1.0 / batch));
  }

  @Override
  public StepResult step(Batch batch, Progress progress) {
    AttributeLabels labels =
        AttributeLabels.of(config.grammar(), batch.captions(), context.batch());
    plan.fill(AttributeNetwork.PICTURES, batch.pictures());
    plan.fill(SETTINGS, labels.settings());
    plan.fill(SETTING_WEIGHTS, labels.settingWeights());
    plan.fill(PRESENT, labels.presence());
    plan.fill(PRESENT_WEIGHTS, labels.presenceWeights());
    plan.fill(COLOURS, labels.colours());
    plan.fill(COLOUR_WEIGHTS, labels.colourWeights());
    plan.run(descent.sums());
    Reducer reducer = context.reducer();
    for (int i = 0; i < PARTS.size(); i++) {
      totals.putScalar(i, plan.output(PARTS.get(i)).getDouble(0));
    }
    totals.putScalar(PARTS.size(), labels.named());
    reducer.sum(totals);
    double named = totals.getDouble(PARTS.size());
    double divisor = Math.max(1, named); // a batch that names nothing moves nothing
    INDArray gradients = descent.sums().await();
    // until here they are the mean over the workers of sums divided by a batch's pictures
    gradients.muli((double) reducer.workers() * context.batch() / divisor);

    Map<String, Double> losses = new LinkedHashMap<>();
    losses.put(LOSS, 0.0);
    for (int i = 0; i < PARTS.size(); i++) {
      losses.put(PARTS.get(i), totals.getDouble(i) / divisor);
      losses.merge(LOSS, totals.getDouble(i) / divisor, Double::sum);
    }
    losses.put(NAMED, named);
    descent.update(gradients, batch, progress, losses);
    return new StepResult(losses);
  }

  @Override
  public Descent descent() {
    return descent;
  }

  @Override
  public Map<String, double[]> evaluate(Batch batch) {
    descent.average();
    evaluation.run(batch.pictures());
    return AttributeMetrics.sums(
        config.grammar(), batch.captions(), evaluation.predictions(batch.size()));
  }

  /** A classifier makes no pictures. */
  @Override
  public float[][][] samples(Batch batch) {
    return new float[0][][];
  }

  @Override
  public String memoryReport() {
    return "attribute classifier of %d parameters: %s%nevaluation: %s"
        .formatted(plan.parameters().layout().length(), plan.report(), evaluation.report());
  }

  @Override
  public void close() {
    plan.close();
    evaluation.close();
  }
}
