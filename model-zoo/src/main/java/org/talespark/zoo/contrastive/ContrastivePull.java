package org.talespark.zoo.contrastive;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/**
 * The contrastive loss in a training plan.
 *
 * <p>It needs the embeddings of other workers, so it lies between the two parts of a step: what it
 * computes from the embeddings are gradients g, which enter as factors of sum(g embeddings), whose
 * gradient is g. The same holds for the scale and the bias of the similarities.
 *
 * @param batch B
 * @param width P of an embedding
 */
public record ContrastivePull(PairLoss loss, int batch, int width) {
  public static final String LOGIT_BIAS = "logit_bias";

  /** The logits' largest scale is 100 (Radford 2021, arXiv:2103.00020, section 2.5). */
  private static final double MOST_LOG_SCALE = Math.log(100);

  private static final String PULL = "pull";
  private static final String PICTURE_GRADIENTS = "image_embeds_gradient";
  private static final String TEXT_GRADIENTS = "text_embeds_gradient";
  private static final String SCALE_GRADIENT = "logit_scale_gradient";
  private static final String BIAS_GRADIENT = "logit_bias_gradient";

  /**
   * Adds the loss's parameters to a graph, and the sum that pulls at everything.
   *
   * @param pictures the output {@link ClipModel#IMAGE_EMBEDS}, [B, P]
   * @param texts the output {@link ClipModel#TEXT_EMBEDS}, [B, P]
   * @return a loss of the plan, whose value means nothing
   */
  public SDVariable build(
      ClipModel.Config model, Layers layers, SDVariable pictures, SDVariable texts) {
    Ops ops = layers.ops();
    SDVariable pull =
        pull(ops, pictures, PICTURE_GRADIENTS, batch, width)
            .add(pull(ops, texts, TEXT_GRADIENTS, batch, width))
            .add(pull(ops, ClipModel.logitScale(model, layers), SCALE_GRADIENT, 1));
    if (loss instanceof PairLoss.Sigmoid sigmoid) {
      SDVariable bias = layers.parameter(LOGIT_BIAS, Nd4j.scalar(DataType.DOUBLE, sigmoid.bias()));
      pull = pull.add(pull(ops, bias, BIAS_GRADIENT, 1));
    }
    return ops.name(PULL, pull);
  }

  private static SDVariable pull(Ops ops, SDVariable variable, String gradient, long... shape) {
    return variable.mul(ops.input(gradient, shape)).sum();
  }

  /** Declares the late inputs. */
  public CompiledGraph.Builder inputs(CompiledGraph.Builder builder) {
    builder
        .lateInput(PICTURE_GRADIENTS, batch, width)
        .lateInput(TEXT_GRADIENTS, batch, width)
        .lateInput(SCALE_GRADIENT, 1);
    return hasBias() ? builder.lateInput(BIAS_GRADIENT, 1) : builder;
  }

  /** Whether the similarities have a bias, {@value #LOGIT_BIAS}. */
  public boolean hasBias() {
    return loss instanceof PairLoss.Sigmoid;
  }

  /**
   * Computes the loss of a plan whose first part has run, with all other workers, and fills the
   * inputs of its second part.
   *
   * @param pairs how many of the rows are pairs, from the first
   * @param scale s = exp({@code logit_scale})
   * @param bias {@code logit_bias}; without meaning where there is none
   * @param factor of all gradients
   */
  public GlobalLoss.Share compute(
      GlobalLoss global, CompiledGraph plan, int pairs, double scale, double bias, double factor) {
    GlobalLoss.Share share =
        global.compute(
            plan.output(ClipModel.IMAGE_EMBEDS),
            plan.output(ClipModel.TEXT_EMBEDS),
            pairs,
            scale,
            bias);
    global.pictureGradients(factor, plan.input(PICTURE_GRADIENTS));
    global.textGradients(factor, plan.input(TEXT_GRADIENTS));
    plan.input(SCALE_GRADIENT).assign(factor * share.scale());
    if (hasBias()) {
      plan.input(BIAS_GRADIENT).assign(factor * share.bias());
    }
    return share;
  }

  /** Brings the scale of a plan that trains it back to where it may be. */
  public static void limitScale(CompiledGraph plan) {
    INDArray scale = plan.parameters().view(ClipModel.LOGIT_SCALE);
    if (scale.getDouble(0) > MOST_LOG_SCALE) {
      scale.assign(MOST_LOG_SCALE);
    }
  }
}
