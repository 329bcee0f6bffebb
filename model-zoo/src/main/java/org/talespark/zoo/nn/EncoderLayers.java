package org.talespark.zoo.nn;

import static java.util.Objects.requireNonNull;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.AttentionShape;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.TransformerOps;

/**
 * The transformer layers of both of CLIP's towers (Radford 2021, arXiv:2103.00020), as Hugging
 * Face's {@code CLIPEncoder}: the same equations, and tensors of the same names and shapes ([out,
 * in]).
 *
 * <p>B batch, T tokens, D hidden_size, F intermediate_size.
 *
 * <pre>
 *   layer n, num_hidden_layers times, on x [B*T, D]:
 *     u = LayerNorm(x)                                                    layer_norm1
 *     x = x + out_proj(attention(q_proj(u), k_proj(u), v_proj(u)))        self_attn
 *     u = LayerNorm(x)                                                    layer_norm2
 *     x = x + fc2(act(fc1(u)))                                            mlp
 * </pre>
 *
 * <p>Initial weights are normal as in CLIP's own code: projections D^-0.5, fc1 (2D)^-0.5, and
 * out_proj and fc2 D^-0.5 (2 num_hidden_layers)^-0.5, so that the sum over the layers does not grow
 * with their number; biases begin as zero.
 */
public final class EncoderLayers {

  /**
   * Their size, under the names of Hugging Face's {@code config.json}.
   *
   * @param layerNormEps of every normalisation
   * @param hiddenAct between fc1 and fc2
   */
  public record Config(
      int hiddenSize,
      int intermediateSize,
      int numHiddenLayers,
      int numAttentionHeads,
      double layerNormEps,
      Activation hiddenAct) {
    public Config {
      requireNonNull(hiddenAct, "hidden_act");
      check(intermediateSize >= 1, "intermediate_size", intermediateSize, "at least 1");
      check(numHiddenLayers >= 1, "num_hidden_layers", numHiddenLayers, "at least 1");
      check(numAttentionHeads >= 1, "num_attention_heads", numAttentionHeads, "at least 1");
      check(
          hiddenSize >= 1 && hiddenSize % numAttentionHeads == 0,
          "hidden_size",
          hiddenSize,
          "a multiple of num_attention_heads=" + numAttentionHeads);
      check(layerNormEps >= 0, "layer_norm_eps", layerNormEps, "0 or more");
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure encoder: %s=%s, expected %s".formatted(key, value, rule));
      }
    }

    /** Numbers that are trained. */
    public long parameters() {
      long width = hiddenSize;
      long attention = 4 * (width * width + width);
      long feedForward = 2 * width * intermediateSize + intermediateSize + width;
      long norms = 2 * 2 * width;
      return numHiddenLayers * (attention + feedForward + norms);
    }
  }

  private final Config config;
  private final Layers layers;
  private final Ops ops;
  private final TransformerOps transformerOps;
  private final int batch;
  private final int tokens;
  private final boolean causal;

  private EncoderLayers(Config config, Layers layers, int batch, int tokens, boolean causal) {
    this.config = config;
    this.layers = layers;
    this.ops = layers.ops();
    this.transformerOps = new TransformerOps(ops);
    this.batch = batch;
    this.tokens = tokens;
    this.causal = causal;
  }

  /**
   * Builds all layers.
   *
   * @param root in front of {@code encoder.layers}, with its dot
   * @param x [B*T, D]
   * @param tokens T
   * @param causal whether no token sees what comes behind it
   * @return [B*T, D]
   */
  public static SDVariable build(
      Config config,
      Layers layers,
      String root,
      SDVariable x,
      int batch,
      int tokens,
      boolean causal) {
    return new EncoderLayers(config, layers, batch, tokens, causal).build(root, x);
  }

  private SDVariable build(String root, SDVariable x) {
    SDVariable h = x;
    for (int layer = 0; layer < config.numHiddenLayers(); layer++) {
      String name = root + "encoder.layers.%d.".formatted(layer);
      h = h.add(attention(name + "self_attn.", norm(name + "layer_norm1", h)));
      h = h.add(feedForward(name + "mlp.", norm(name + "layer_norm2", h)));
    }
    return h;
  }

  private SDVariable norm(String name, SDVariable x) {
    return layers.layerNorm(name, x, config.hiddenSize(), config.layerNormEps());
  }

  private SDVariable attention(String name, SDVariable x) {
    int width = config.hiddenSize();
    int heads = config.numAttentionHeads();
    double deviation = 1 / Math.sqrt(width);
    SDVariable query = split(layers.normalLinear(name + "q_proj", x, deviation, width, width));
    SDVariable key = split(layers.normalLinear(name + "k_proj", x, deviation, width, width));
    SDVariable value = split(layers.normalLinear(name + "v_proj", x, deviation, width, width));
    AttentionShape shape = new AttentionShape(batch, tokens, heads, heads, width / heads);
    SDVariable mixed =
        causal
            ? transformerOps.causalAttention(query, key, value, shape)
            : transformerOps.attention(query, key, value, null, shape.dimension());
    SDVariable rows = transformerOps.joinHeads(mixed, batch, tokens, heads);
    return layers.normalLinear(name + "out_proj", rows, residualDeviation(), width, width);
  }

  /** [B*T, D] -> [B, h, T, d]. */
  private SDVariable split(SDVariable rows) {
    return transformerOps.splitHeads(rows, batch, tokens, config.numAttentionHeads());
  }

  private SDVariable feedForward(String name, SDVariable x) {
    int width = config.hiddenSize();
    int inner = config.intermediateSize();
    SDVariable h = layers.normalLinear(name + "fc1", x, 1 / Math.sqrt(2.0 * width), width, inner);
    return layers.normalLinear(
        name + "fc2", config.hiddenAct().apply(ops, h), residualDeviation(), inner, width);
  }

  /** Of the projections whose results are added to the stream. */
  private double residualDeviation() {
    return 1 / Math.sqrt(2.0 * config.hiddenSize() * config.numHiddenLayers());
  }
}
