package org.talespark.zoo.fusion;

import static org.talespark.zoo.fusion.FusionChecks.check;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.TransformerOps;
import org.talespark.zoo.nn.Layers;

/**
 * Attention of the tokens of one kind to those of another (Vaswani 2017, arXiv:1706.03762, section
 * 3.2), in several heads; with query, key and value from one source it is self-attention.
 *
 * <p>B batch, T queries, S keys, D_q, D_k, D_v widths, H hidden_size, h num_attention_heads, d =
 * H/h.
 *
 * <pre>
 *   query [B*T, D_q] -> q_proj -> Q [B, h, T, d]
 *   key   [B*S, D_k] -> k_proj -> K [B, h, S, d]
 *   value [B*S, D_v] -> v_proj -> V [B, h, S, d]
 *   weights = softmax(Q K^T / sqrt(d)) over the keys that count    [B, h, T, S]
 *   output = out_proj(weights V)                                   [B*T, H]
 * </pre>
 *
 * <p>Keys that do not count, the padding of texts, have weight zero, so what they hold changes
 * nothing. Initial weights are normal, projections D^-0.5; biases begin as zero.
 */
public final class CrossModalAttention {

  /** Its widths. */
  public record Config(
      int queryDim, int keyDim, int valueDim, int hiddenSize, int numAttentionHeads) {
    public Config {
      check(queryDim >= 1, "query_dim", queryDim, "at least 1");
      check(keyDim >= 1, "key_dim", keyDim, "at least 1");
      check(valueDim >= 1, "value_dim", valueDim, "at least 1");
      check(numAttentionHeads >= 1, "num_attention_heads", numAttentionHeads, "at least 1");
      check(
          hiddenSize >= 1 && hiddenSize % numAttentionHeads == 0,
          "hidden_size",
          hiddenSize,
          "a multiple of num_attention_heads=" + numAttentionHeads);
    }

    /** Queries of width D for keys and values of another width, with a result of width D. */
    static Config between(int width, int sourceWidth, int heads) {
      return new Config(width, sourceWidth, sourceWidth, width, heads);
    }
  }

  /**
   * How many there are.
   *
   * @param batch B
   * @param queries T of each sample
   * @param keys S of each sample
   */
  public record Shape(int batch, int queries, int keys) {}

  /**
   * Where they lie.
   *
   * @param output [B*T, H]
   * @param weights [B, h, T, S], each row adding up to one
   */
  public record Handles(SDVariable output, SDVariable weights) {}

  private CrossModalAttention() {}

  /**
   * Builds it.
   *
   * @param name in front of {@code q_proj} and the others, with its dot
   * @param query rows [B*T, D_q]
   * @param key rows [B*S, D_k]
   * @param value rows [B*S, D_v]
   * @param mask [B, h, 1, S] from {@link TransformerOps#keyMask}, or null where every key counts
   * @param outDeviation of the initial {@code out_proj}, whose result is usually added to a stream
   */
  public static Handles build(
      Config config,
      Layers layers,
      String name,
      SDVariable query,
      SDVariable key,
      SDVariable value,
      SDVariable mask,
      Shape shape,
      double outDeviation) {
    Ops ops = layers.ops();
    TransformerOps transformerOps = new TransformerOps(ops);
    int hidden = config.hiddenSize();
    int heads = config.numAttentionHeads();
    int dimension = hidden / heads;
    SDVariable q = linear(layers, name + "q_proj", query, config.queryDim(), hidden);
    SDVariable k = linear(layers, name + "k_proj", key, config.keyDim(), hidden);
    SDVariable v = linear(layers, name + "v_proj", value, config.valueDim(), hidden);
    SDVariable weights =
        transformerOps.attentionWeights(
            transformerOps.splitHeads(q, shape.batch(), shape.queries(), heads),
            transformerOps.splitHeads(k, shape.batch(), shape.keys(), heads),
            mask,
            dimension); // [B, h, T, S]
    SDVariable values = transformerOps.splitHeads(v, shape.batch(), shape.keys(), heads);
    SDVariable mixed = ops.matmul(weights, values, false, false); // [B, h, T, d]
    SDVariable rows = transformerOps.joinHeads(mixed, shape.batch(), shape.queries(), heads);
    SDVariable output = layers.normalLinear(name + "out_proj", rows, outDeviation, hidden, hidden);
    return new Handles(output, weights);
  }

  private static SDVariable linear(Layers layers, String name, SDVariable x, int in, int out) {
    return layers.normalLinear(name, x, 1 / Math.sqrt(in), in, out);
  }
}
