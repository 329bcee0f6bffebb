package org.talespark.zoo.language;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.AttentionShape;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.Rotary;
import org.talespark.zoo.graph.TransformerOps;
import org.talespark.zoo.nn.Layers;

/**
 * The LLaMA decoder (Touvron 2023, arXiv:2302.13971) with grouped-query attention (Ainslie 2023,
 * arXiv:2305.13245), as Hugging Face's {@code LlamaForCausalLM}: the same equations, and tensors of
 * the same names and shapes ([out, in]).
 *
 * <p>B batch, T tokens, N = B*T, D hidden_size, h heads, k key-value heads, d = D/h, F
 * intermediate_size, V vocab_size.
 *
 * <pre>
 *   tokens [N] -> model.embed_tokens -> x [N, D]
 *   layer n, num_hidden_layers times:
 *     u = RMSNorm(x)                                         input_layernorm
 *     x = x + o_proj(attention(q_proj(u), k_proj(u), v_proj(u)))      self_attn
 *     u = RMSNorm(x)                                         post_attention_layernorm
 *     x = x + down_proj(silu(gate_proj(u)) * up_proj(u))              mlp
 *   x -> model.norm -> lm_head -> logits [N, V]
 * </pre>
 *
 * <p>Queries and keys are turned by rotary positions; attention is causal; nothing has a bias. With
 * tied embeddings lm_head is model.embed_tokens. A sample that is shorter than T stands at the
 * beginning of its row: no token sees what comes after it, so padding behind changes nothing but
 * its own logits.
 *
 * <p>Initial weights are normal, with o_proj and down_proj divided by sqrt(2 num_hidden_layers), as
 * in GPT-2, so that the sum over the layers does not grow with their number.
 */
public final class Llama {
  static final String EMBEDDING = "model.embed_tokens.weight";
  static final String HEAD = "lm_head.weight";

  /**
   * Its size, under the names of Hugging Face's {@code config.json}.
   *
   * @param maxPositionEmbeddings the longest context it is meant for
   * @param initializerRange standard deviation of the initial weights
   */
  public record Config(
      int vocabSize,
      int hiddenSize,
      int intermediateSize,
      int numHiddenLayers,
      int numAttentionHeads,
      int numKeyValueHeads,
      int maxPositionEmbeddings,
      double rmsNormEps,
      double ropeTheta,
      boolean tieWordEmbeddings,
      double initializerRange) {
    public Config {
      check(vocabSize >= 2, "vocab_size", vocabSize, "at least 2");
      check(intermediateSize >= 1, "intermediate_size", intermediateSize, "at least 1");
      check(numHiddenLayers >= 1, "num_hidden_layers", numHiddenLayers, "at least 1");
      check(numAttentionHeads >= 1, "num_attention_heads", numAttentionHeads, "at least 1");
      check(
          numKeyValueHeads >= 1 && numAttentionHeads % numKeyValueHeads == 0,
          "num_key_value_heads",
          numKeyValueHeads,
          "a divisor of num_attention_heads=" + numAttentionHeads);
      check(
          hiddenSize >= 1 && hiddenSize % (2 * numAttentionHeads) == 0,
          "hidden_size",
          hiddenSize,
          "a multiple of twice num_attention_heads=" + numAttentionHeads);
      check(
          maxPositionEmbeddings >= 1,
          "max_position_embeddings",
          maxPositionEmbeddings,
          "at least 1");
      check(rmsNormEps >= 0, "rms_norm_eps", rmsNormEps, "0 or more");
      check(ropeTheta > 1, "rope_theta", ropeTheta, "more than 1");
      check(initializerRange > 0, "initializer_range", initializerRange, "more than 0");
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure language model: %s=%s, expected %s".formatted(key, value, rule));
      }
    }

    /** Elements of a head. */
    public int headDimension() {
      return hiddenSize / numAttentionHeads;
    }

    /** Numbers that are trained. */
    public long parameters() {
      long keys = (long) numKeyValueHeads * headDimension();
      long attention = 2L * hiddenSize * hiddenSize + 2 * keys * hiddenSize;
      long layer = attention + 3L * hiddenSize * intermediateSize + 2L * hiddenSize;
      long embeddings = (tieWordEmbeddings ? 1L : 2L) * vocabSize * hiddenSize;
      return numHiddenLayers * layer + embeddings + hiddenSize;
    }
  }

  /**
   * A whole model with its loss.
   *
   * @param tokens input, int32 [N]
   * @param labels input, int32 [N]: the token after each
   * @param weights input [N]: 1 where the label counts, else 0
   * @param logits [N, V]
   * @param losses cross-entropy of each label in nats, [N], weighted or not
   * @param loss their weighted sum over N: a scalar
   */
  public record Handles(
      SDVariable tokens,
      SDVariable labels,
      SDVariable weights,
      SDVariable logits,
      SDVariable losses,
      SDVariable loss) {}

  private final Config config;
  private final Layers layers;
  private final Ops ops;
  private final TransformerOps transformer;
  private final SDVariable embedding;

  /** A model whose parameters come from {@code layers}, in their graph. */
  public Llama(Config config, Layers layers) {
    this.config = config;
    this.layers = layers;
    this.ops = layers.ops();
    this.transformer = new TransformerOps(ops);
    this.embedding =
        layers.normal(
            EMBEDDING, config.initializerRange(), config.vocabSize(), config.hiddenSize());
  }

  /** Builds the model alone, for rows of T tokens. */
  public static Handles build(Config config, Layers layers, int batch, int tokens) {
    Ops ops = layers.ops();
    Llama model = new Llama(config, layers);
    int n = batch * tokens;
    SDVariable ids = ops.indices("tokens", n);
    SDVariable labels = ops.indices("labels", n);
    SDVariable weights = ops.input("weights", n);
    SDVariable x = model.decode(model.embed(ids), batch, tokens);
    SDVariable logits = ops.name("logits", model.logits(x));
    SDVariable losses = ops.name("losses", ops.crossEntropy(logits, labels, config.vocabSize()));
    SDVariable loss = ops.name("loss", losses.mul(weights).sum().mul(1.0 / n));
    return new Handles(ids, labels, weights, logits, losses, loss);
  }

  /** int32 tokens [N] -> [N, D]. */
  public SDVariable embed(SDVariable tokens) {
    return ops.embedding(embedding, tokens, config.vocabSize());
  }

  /** All layers and the last norm: [B*T, D] -> [B*T, D]. */
  public SDVariable decode(SDVariable x, int batch, int tokens) {
    if (tokens > config.maxPositionEmbeddings()) {
      throw new IllegalArgumentException(
          "Cannot build language model: tokens=%d max_position_embeddings=%d, expected at most as many"
              .formatted(tokens, config.maxPositionEmbeddings()));
    }
    SDVariable h = x;
    for (int layer = 0; layer < config.numHiddenLayers(); layer++) {
      String name = "model.layers.%d.".formatted(layer);
      h = h.add(attention(name + "self_attn.", norm(name + "input_layernorm", h), batch, tokens));
      h = h.add(feedForward(name + "mlp.", norm(name + "post_attention_layernorm", h)));
    }
    return norm("model.norm", h);
  }

  /** [N, D] behind the last norm -> logits [N, V]. */
  public SDVariable logits(SDVariable x) {
    if (config.tieWordEmbeddings()) {
      return ops.linear(x, embedding, null);
    }
    double deviation = config.initializerRange();
    SDVariable weight = layers.normal(HEAD, deviation, config.vocabSize(), config.hiddenSize());
    return layers.linear("lm_head", x, weight, null);
  }

  private SDVariable norm(String name, SDVariable x) {
    return layers.rmsNorm(name, x, config.hiddenSize(), config.rmsNormEps());
  }

  private SDVariable attention(String name, SDVariable x, int batch, int tokens) {
    int d = config.headDimension();
    int heads = config.numAttentionHeads();
    int keyHeads = config.numKeyValueHeads();
    Rotary rotary = new Rotary(config.ropeTheta(), d, tokens);
    SDVariable query = linear(name + "q_proj", x, config.hiddenSize(), heads * d);
    SDVariable key = linear(name + "k_proj", x, config.hiddenSize(), keyHeads * d);
    SDVariable value = linear(name + "v_proj", x, config.hiddenSize(), keyHeads * d);
    SDVariable mixed =
        transformer.causalAttention(
            transformer.splitHeads(query, batch, heads, rotary), // [B, h, T, d]
            transformer.splitHeads(key, batch, keyHeads, rotary), // [B, k, T, d]
            transformer.splitHeads(value, batch, tokens, keyHeads),
            new AttentionShape(batch, tokens, heads, keyHeads, d));
    SDVariable rows = transformer.joinHeads(mixed, batch, tokens, heads); // [N, h*d]
    return residual(name + "o_proj", rows, heads * d);
  }

  private SDVariable feedForward(String name, SDVariable x) {
    int inner = config.intermediateSize();
    SDVariable gate = linear(name + "gate_proj", x, config.hiddenSize(), inner);
    SDVariable up = linear(name + "up_proj", x, config.hiddenSize(), inner);
    return residual(name + "down_proj", transformer.swiGlu(gate, up), inner); // [N, F] -> [N, D]
  }

  private SDVariable linear(String name, SDVariable x, int in, int out) {
    SDVariable weight = layers.normal(name + ".weight", config.initializerRange(), out, in);
    return layers.linear(name, x, weight, null);
  }

  /** A projection whose result is added to the stream. */
  private SDVariable residual(String name, SDVariable x, int in) {
    double deviation = config.initializerRange() / Math.sqrt(2.0 * config.numHiddenLayers());
    SDVariable weight = layers.normal(name + ".weight", deviation, config.hiddenSize(), in);
    return layers.linear(name, x, weight, null);
  }
}
