package org.talespark.zoo.contrastive;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
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
 * step ({@link ContrastivePull}). Scale and bias of the similarities stay as the base has them
 * where only adapters are trained.
 */
final class ClipPlans implements AutoCloseable {
  /** Gradients are exchanged in parts of this size while the backward pass goes on. */
  private static final long BUCKET_BYTES = 1 << 20;

  private final ContrastiveLearnerConfig config;
  private final TrainedWeights weights;
  private final int batch;
  private final ContrastivePull pull;

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
    this.pull = new ContrastivePull(config.loss(), batch, model.projectionDim());
    SDVariable pulled = pull.build(model, layers, pictures.embeds(), texts.embeds());
    CompiledGraph.Builder builder =
        pull.inputs(inputs(CompiledGraph.of(ops.graph())))
            .losses(pulled.name())
            .bucketBytes(BUCKET_BYTES);
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

  private CompiledGraph.Builder inputs(CompiledGraph.Builder builder) {
    return builder
        .input(ClipModel.PIXEL_VALUES, ClipModel.pixelShape(config.model(), batch))
        .input(ClipModel.INPUT_IDS, (long) batch * config.contextLength())
        .input(ClipModel.ENDS, batch)
        .outputs(ClipModel.IMAGE_EMBEDS, ClipModel.TEXT_EMBEDS);
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
    double scale = Math.exp(parameter(ClipModel.LOGIT_SCALE));
    double bias = pull.hasBias() ? parameter(ContrastivePull.LOGIT_BIAS) : 0;
    GlobalLoss.Share share = pull.compute(loss, training, pairs, scale, bias, factor);
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
