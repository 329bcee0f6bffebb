package org.talespark.zoo.contrastive;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientListener;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.Parameters;
import org.talespark.zoo.lora.TrainedWeights;
import org.talespark.zoo.nn.Layers;

/**
 * The plans of CLIP in training.
 *
 * <pre>
 *   training    pictures, tokens -> embeddings; backward from late gradients of them and of the
 *               parameters of the loss
 *   evaluation  pictures, tokens -> embeddings
 * </pre>
 *
 * <p>The loss needs the embeddings of other workers, so it lies between the two parts of a training
 * step: the gradients that it gives enter as factors g of sum(g embeddings), whose gradient is g.
 * Scale and bias of the similarities stay as the base has them where only adapters are trained.
 */
final class ClipPlans implements AutoCloseable {
  private static final String PICTURE_GRADIENTS = "image_embeds_gradient";
  private static final String TEXT_GRADIENTS = "text_embeds_gradient";
  private static final String SCALE_GRADIENT = "logit_scale_gradient";
  private static final String BIAS_GRADIENT = "logit_bias_gradient";
  static final String LOGIT_BIAS = "logit_bias";

  /** Gradients are exchanged in parts of this size while the backward pass goes on. */
  private static final long BUCKET_BYTES = 1 << 20;

  private static final String PULL = "pull";

  private final ContrastiveLearnerConfig config;
  private final TrainedWeights weights;
  private final int batch;

  final CompiledGraph training;

  ClipPlans(ContrastiveLearnerConfig config, TrainedWeights weights, DataType type, int batch) {
    this.config = config;
    this.weights = weights;
    this.batch = batch;
    ClipModel.Config model = config.model();
    Ops ops = new Ops(type);
    TrainedWeights.Network network = weights.trained(ops, batch);
    Layers layers = network.layers();
    ClipModel.Pictures pictures = ClipModel.pictures(model, layers, batch);
    ClipModel.Texts texts = ClipModel.texts(model, layers, batch, config.contextLength());
    long[] rows = {batch, model.projectionDim()};
    SDVariable pull =
        pull(ops, pictures.embeds(), PICTURE_GRADIENTS, rows)
            .add(pull(ops, texts.embeds(), TEXT_GRADIENTS, rows))
            .add(pull(ops, ClipModel.logitScale(model, layers), SCALE_GRADIENT, 1));
    if (config.loss() instanceof PairLoss.Sigmoid sigmoid) {
      SDVariable bias = layers.parameter(LOGIT_BIAS, Nd4j.scalar(DataType.DOUBLE, sigmoid.bias()));
      pull = pull.add(pull(ops, bias, BIAS_GRADIENT, 1));
    }
    ops.name(PULL, pull);
    CompiledGraph.Builder builder =
        inputs(CompiledGraph.of(ops.graph()))
            .lateInput(PICTURE_GRADIENTS, rows)
            .lateInput(TEXT_GRADIENTS, rows)
            .lateInput(SCALE_GRADIENT, 1)
            .losses(PULL)
            .bucketBytes(BUCKET_BYTES);
    if (hasBias()) {
      builder.lateInput(BIAS_GRADIENT, 1);
    }
    this.training = network.bind(builder).build();
  }

  /** The evaluation under these values of what is trained; its owner closes it. */
  CompiledGraph evaluation(DataType type, Parameters parameters) {
    ClipModel.Config model = config.model();
    Ops inference = new Ops(type);
    TrainedWeights.Network network = weights.used(inference, parameters);
    ClipModel.pictures(model, network.layers(), batch);
    ClipModel.texts(model, network.layers(), batch, config.contextLength());
    return network.bind(inputs(CompiledGraph.of(inference.graph()))).build();
  }

  private static SDVariable pull(Ops ops, SDVariable variable, String gradient, long... shape) {
    return variable.mul(ops.input(gradient, shape)).sum();
  }

  private CompiledGraph.Builder inputs(CompiledGraph.Builder builder) {
    return builder
        .input(ClipModel.PIXEL_VALUES, ClipModel.pixelShape(config.model(), batch))
        .input(ClipModel.INPUT_IDS, (long) batch * config.contextLength())
        .input(ClipModel.ENDS, batch)
        .outputs(ClipModel.IMAGE_EMBEDS, ClipModel.TEXT_EMBEDS);
  }

  private boolean hasBias() {
    return config.loss() instanceof PairLoss.Sigmoid;
  }

  /** A parameter that is a single number, trained or not. */
  double parameter(String name) {
    boolean trained = training.parameters().layout().contains(name);
    return (trained ? training.parameters().view(name) : weights.frozen().get(name)).getDouble(0);
  }

  /**
   * Forward, the loss, and backward, for inputs that are filled.
   *
   * @param pairs how many of the rows are pairs, from the first
   * @param factor of all gradients
   */
  GlobalLoss.Share step(GlobalLoss loss, int pairs, double factor, GradientListener listener) {
    training.runEarly();
    GlobalLoss.Share share =
        loss.compute(
            training.output(ClipModel.IMAGE_EMBEDS),
            training.output(ClipModel.TEXT_EMBEDS),
            pairs,
            Math.exp(parameter(ClipModel.LOGIT_SCALE)),
            hasBias() ? parameter(LOGIT_BIAS) : 0);
    loss.pictureGradients(factor, training.input(PICTURE_GRADIENTS));
    loss.textGradients(factor, training.input(TEXT_GRADIENTS));
    training.input(SCALE_GRADIENT).assign(factor * share.scale());
    if (hasBias()) {
      training.input(BIAS_GRADIENT).assign(factor * share.bias());
    }
    training.runLate(listener);
    return share;
  }

  /** Fills a plan's inputs. */
  static void fill(CompiledGraph plan, float[] pixels, ClipTexts.Rows texts) {
    plan.fill(ClipModel.PIXEL_VALUES, pixels);
    plan.fill(ClipModel.INPUT_IDS, texts.ids());
    plan.fill(ClipModel.ENDS, texts.ends());
  }

  @Override
  public void close() {
    training.close();
  }
}
