package org.talespark.zoo.fusion;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.nn.Layers;

/**
 * Which token stood at a masked position: the output head of BERT (Devlin 2018, arXiv:1810.04805,
 * appendix A.2, and its code), part of the model like any other layer.
 *
 * <p>M positions, D width of a state, V vocab_size.
 *
 * <pre>
 *   states [M, D] -> dense -> act -> layer_norm -> [M, D]
 *   logits = that times the token embeddings [V, D] of the text tower, + bias -> [M, V]
 * </pre>
 *
 * <p>Sharing the embeddings, as BERT and ALBEF do, keeps the head small. Initial weights of {@code
 * dense} are normal, D^-0.5; biases begin as zero.
 */
final class MaskedLanguageHead {
  private static final String ROOT = "mlm_head.";

  private MaskedLanguageHead() {}

  /**
   * Builds it; parameters begin with {@code mlm_head.}.
   *
   * @param states [M, D]
   * @param embeddings [V, D]
   * @return [M, V]
   */
  static SDVariable build(
      Layers layers,
      SDVariable states,
      SDVariable embeddings,
      int width,
      int vocabulary,
      Activation activation,
      double epsilon) {
    Ops ops = layers.ops();
    SDVariable h = layers.normalLinear(ROOT + "dense", states, 1 / Math.sqrt(width), width, width);
    h = layers.layerNorm(ROOT + "layer_norm", activation.apply(ops, h), width, epsilon);
    return ops.linear(h, embeddings, layers.zeros(ROOT + "bias", vocabulary));
  }
}
