package org.talespark.zoo.text;

import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.AttentionShape;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.graph.TransformerOps;
import org.talespark.zoo.nn.Layers;

/**
 * The text transformer of CLIP (Radford 2021, arXiv:2103.00020), as Hugging Face's {@code
 * CLIPTextModel}: the same equations, and tensors of the same names and shapes ([out, in]).
 *
 * <p>B batch, N tokens of a text, D hidden_size, F intermediate_size, V vocab_size.
 *
 * <pre>
 *   tokens [B*N] -> token_embedding + position_embedding -> x [B*N, D]
 *   layer n, num_hidden_layers times:
 *     u = LayerNorm(x)                                                    layer_norm1
 *     x = x + out_proj(attention(q_proj(u), k_proj(u), v_proj(u)))        self_attn
 *     u = LayerNorm(x)                                                    layer_norm2
 *     x = x + fc2(quickGELU(fc1(u)))                                      mlp
 *   x -> final_layer_norm -> [B*N, D]
 * </pre>
 *
 * <p>Attention is causal: no token sees what comes behind it, so that padding behind a text's end
 * changes nothing in front of it.
 *
 * <p>Initial weights are normal: tokens 0.02, positions 0.01, projections D^-0.5, fc1 (2D)^-0.5,
 * and out_proj and fc2 D^-0.5 (2 num_hidden_layers)^-0.5, so that the sum over the layers does not
 * grow with their number; biases begin as zero.
 */
public final class TextEncoder {
  private static final String ROOT = "text_model.";

  /**
   * Its size, under the names of Hugging Face's {@code config.json}.
   *
   * @param maxPositionEmbeddings tokens of the longest text
   */
  public record Config(
      int vocabSize,
      int hiddenSize,
      int intermediateSize,
      int numHiddenLayers,
      int numAttentionHeads,
      int maxPositionEmbeddings,
      double layerNormEps) {
    public Config {
      check(vocabSize >= 2, "vocab_size", vocabSize, "at least 2");
      check(intermediateSize >= 1, "intermediate_size", intermediateSize, "at least 1");
      check(numHiddenLayers >= 1, "num_hidden_layers", numHiddenLayers, "at least 1");
      check(numAttentionHeads >= 1, "num_attention_heads", numAttentionHeads, "at least 1");
      check(
          hiddenSize >= 1 && hiddenSize % numAttentionHeads == 0,
          "hidden_size",
          hiddenSize,
          "a multiple of num_attention_heads=" + numAttentionHeads);
      check(
          maxPositionEmbeddings >= 1,
          "max_position_embeddings",
          maxPositionEmbeddings,
          "at least 1");
      check(layerNormEps >= 0, "layer_norm_eps", layerNormEps, "0 or more");
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure text encoder: %s=%s, expected %s".formatted(key, value, rule));
      }
    }

    /** Numbers that are trained. */
    public long parameters() {
      long width = hiddenSize;
      long attention = 4 * (width * width + width);
      long feedForward = 2 * width * intermediateSize + intermediateSize + width;
      long norms = 2 * 2 * width;
      long embeddings = (vocabSize + (long) maxPositionEmbeddings) * width;
      return embeddings + numHiddenLayers * (attention + feedForward + norms) + 2 * width;
    }
  }

  private final Config config;
  private final Layers layers;
  private final Ops ops;
  private final TransformerOps transformerOps;
  private final int batch;
  private final int tokens;

  private TextEncoder(Config config, Layers layers, int batch, int tokens) {
    this.config = config;
    this.layers = layers;
    this.ops = layers.ops();
    this.transformerOps = new TransformerOps(ops);
    this.batch = batch;
    this.tokens = tokens;
  }

  /**
   * Builds the encoder.
   *
   * @param tokens int32 [B*N]
   * @param length N, at most max_position_embeddings
   * @return the last hidden states, [B*N, D]
   */
  public static SDVariable build(
      Config config, Layers layers, SDVariable tokens, int batch, int length) {
    if (length < 1 || length > config.maxPositionEmbeddings()) {
      throw new IllegalArgumentException(
          "Cannot build text encoder: tokens=%d, expected 1 to max_position_embeddings=%d"
              .formatted(length, config.maxPositionEmbeddings()));
    }
    return new TextEncoder(config, layers, batch, length).build(tokens);
  }

  private SDVariable build(SDVariable ids) {
    int width = config.hiddenSize();
    SDVariable words =
        layers.normal(ROOT + "embeddings.token_embedding.weight", 0.02, config.vocabSize(), width);
    SDVariable places =
        layers.normal(
            ROOT + "embeddings.position_embedding.weight",
            0.01,
            config.maxPositionEmbeddings(),
            width);
    int[] positions = IntStream.range(0, batch * tokens).map(i -> i % tokens).toArray();
    SDVariable x =
        ops.embedding(words, ids, config.vocabSize())
            .add(
                ops.embedding(
                    places,
                    ops.graph().constant(Nd4j.createFromArray(positions)),
                    config.maxPositionEmbeddings()));
    for (int layer = 0; layer < config.numHiddenLayers(); layer++) {
      String name = ROOT + "encoder.layers.%d.".formatted(layer);
      x = x.add(attention(name + "self_attn.", norm(name + "layer_norm1", x)));
      x = x.add(feedForward(name + "mlp.", norm(name + "layer_norm2", x)));
    }
    return norm(ROOT + "final_layer_norm", x);
  }

  private SDVariable norm(String name, SDVariable x) {
    return layers.layerNorm(name, x, config.hiddenSize(), config.layerNormEps());
  }

  private SDVariable attention(String name, SDVariable x) {
    int width = config.hiddenSize();
    int heads = config.numAttentionHeads();
    double deviation = 1 / Math.sqrt(width);
    SDVariable mixed =
        transformerOps.causalAttention(
            split(linear(name + "q_proj", x, deviation, width, width)),
            split(linear(name + "k_proj", x, deviation, width, width)),
            split(linear(name + "v_proj", x, deviation, width, width)),
            new AttentionShape(batch, tokens, heads, heads, width / heads));
    SDVariable rows = transformerOps.joinHeads(mixed, batch, tokens, heads);
    return linear(name + "out_proj", rows, residualDeviation(), width, width);
  }

  /** [B*N, D] -> [B, h, N, d]. */
  private SDVariable split(SDVariable rows) {
    return transformerOps.splitHeads(rows, batch, tokens, config.numAttentionHeads());
  }

  private SDVariable feedForward(String name, SDVariable x) {
    int width = config.hiddenSize();
    int inner = config.intermediateSize();
    SDVariable h = linear(name + "fc1", x, 1 / Math.sqrt(2.0 * width), width, inner);
    return linear(name + "fc2", ops.quickGelu(h), residualDeviation(), inner, width);
  }

  /** Of the projections whose results are added to the stream. */
  private double residualDeviation() {
    return 1 / Math.sqrt(2.0 * config.hiddenSize() * config.numHiddenLayers());
  }

  private SDVariable linear(String name, SDVariable x, double deviation, int in, int out) {
    SDVariable weight = layers.normal(name + ".weight", deviation, out, in);
    return ops.linear(x, weight, layers.zeros(name + ".bias", out));
  }
}
