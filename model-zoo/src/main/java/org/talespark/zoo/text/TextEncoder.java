package org.talespark.zoo.text;

import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.nn.EncoderLayers;
import org.talespark.zoo.nn.Layers;

/**
 * The text transformer of CLIP (Radford 2021, arXiv:2103.00020), as Hugging Face's {@code
 * CLIPTextModel}: the same equations, and tensors of the same names and shapes ([out, in]).
 *
 * <p>B batch, N tokens of a text, D hidden_size, V vocab_size.
 *
 * <pre>
 *   tokens [B*N] -> token_embedding + position_embedding -> x [B*N, D]
 *   x -> encoder.layers ({@link EncoderLayers}) -> final_layer_norm -> [B*N, D]
 * </pre>
 *
 * <p>Attention is causal: no token sees what comes behind it, so that padding behind a text's end
 * changes nothing in front of it. Initial weights are normal: tokens 0.02, positions 0.01.
 *
 * <p>{@link #buildShifted} has what CLIP has not, a token shift (as RWKV, arXiv:2305.13048): x also
 * gets the token before from a table of its own, {@code previous_token_embedding}. So "red cat" is
 * in one row from the first step, where attention would have to learn first where to look for it.
 * The first token, which is the same in all texts, counts as the one before itself. Both tables
 * begin at 1 and positions at 0.5, since beside what the layers add 0.02 would hardly be seen.
 */
public final class TextEncoder {
  /** The table of a token shift, [V, D]. */
  public static final String PREVIOUS = "text_model.embeddings.previous_token_embedding.weight";

  private static final String ROOT = "text_model.";

  /**
   * Its size, under the names of Hugging Face's {@code config.json}.
   *
   * @param maxPositionEmbeddings tokens of the longest text
   * @param hiddenAct left out, {@code quick_gelu}
   * @param eosTokenId the token that ends a text, or null where no text is pooled there
   */
  public record Config(
      int vocabSize,
      int hiddenSize,
      int intermediateSize,
      int numHiddenLayers,
      int numAttentionHeads,
      int maxPositionEmbeddings,
      double layerNormEps,
      Activation hiddenAct,
      Integer eosTokenId) {
    public Config {
      hiddenAct = hiddenAct == null ? Activation.QUICK_GELU : hiddenAct;
      check(vocabSize >= 2, "vocab_size", vocabSize, "at least 2");
      check(
          maxPositionEmbeddings >= 1,
          "max_position_embeddings",
          maxPositionEmbeddings,
          "at least 1");
      check(
          eosTokenId == null || (eosTokenId >= 0 && eosTokenId < vocabSize),
          "eos_token_id",
          eosTokenId,
          "0 to vocab_size - 1 = " + (vocabSize - 1));
      new EncoderLayers.Config(
          hiddenSize,
          intermediateSize,
          numHiddenLayers,
          numAttentionHeads,
          layerNormEps,
          hiddenAct); // checks the rest
    }

    /** With {@code quick_gelu}, and without pooling. */
    public Config(
        int vocabSize,
        int hiddenSize,
        int intermediateSize,
        int numHiddenLayers,
        int numAttentionHeads,
        int maxPositionEmbeddings,
        double layerNormEps) {
      this(
          vocabSize,
          hiddenSize,
          intermediateSize,
          numHiddenLayers,
          numAttentionHeads,
          maxPositionEmbeddings,
          layerNormEps,
          null,
          null);
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure text encoder: %s=%s, expected %s".formatted(key, value, rule));
      }
    }

    private EncoderLayers.Config layers() {
      return new EncoderLayers.Config(
          hiddenSize,
          intermediateSize,
          numHiddenLayers,
          numAttentionHeads,
          layerNormEps,
          hiddenAct);
    }

    /** Numbers that are trained. */
    public long parameters() {
      long width = hiddenSize;
      long embeddings = (vocabSize + (long) maxPositionEmbeddings) * width;
      return embeddings + layers().parameters() + 2 * width;
    }
  }

  private TextEncoder() {}

  /**
   * Builds CLIP's encoder.
   *
   * @param tokens int32 [B*N]
   * @param length N, at most max_position_embeddings
   * @return the last hidden states, [B*N, D]
   */
  public static SDVariable build(
      Config config, Layers layers, SDVariable tokens, int batch, int length) {
    SDVariable x = embedded(config, layers, tokens, batch, length, 0.02, 0.01);
    return states(config, layers, x, batch, length);
  }

  /** Builds an encoder with a token shift; all else is as in {@link #build}. */
  public static SDVariable buildShifted(
      Config config, Layers layers, SDVariable tokens, int batch, int length) {
    Ops ops = layers.ops();
    SDVariable x = embedded(config, layers, tokens, batch, length, 1, 0.5);
    SDVariable table = layers.normal(PREVIOUS, 1, config.vocabSize(), config.hiddenSize());
    int[] before =
        IntStream.range(0, batch * length).map(i -> i % length == 0 ? i : i - 1).toArray();
    SDVariable previous =
        ops.embedding(
            ops.embedding(table, tokens, config.vocabSize()),
            ops.graph().constant(Nd4j.createFromArray(before)),
            (long) batch * length);
    return states(config, layers, x.add(previous), batch, length);
  }

  /** Tokens and positions, whose tables begin with these deviations: [B*N, D]. */
  private static SDVariable embedded(
      Config config,
      Layers layers,
      SDVariable tokens,
      int batch,
      int length,
      double tokenDeviation,
      double positionDeviation) {
    if (length < 1 || length > config.maxPositionEmbeddings()) {
      throw new IllegalArgumentException(
          "Cannot build text encoder: tokens=%d, expected 1 to max_position_embeddings=%d"
              .formatted(length, config.maxPositionEmbeddings()));
    }
    Ops ops = layers.ops();
    int width = config.hiddenSize();
    SDVariable words =
        layers.normal(
            ROOT + "embeddings.token_embedding.weight", tokenDeviation, config.vocabSize(), width);
    SDVariable places =
        layers.normal(
            ROOT + "embeddings.position_embedding.weight",
            positionDeviation,
            config.maxPositionEmbeddings(),
            width);
    int[] positions = IntStream.range(0, batch * length).map(i -> i % length).toArray();
    return ops.embedding(words, tokens, config.vocabSize())
        .add(
            ops.embedding(
                places,
                ops.graph().constant(Nd4j.createFromArray(positions)),
                config.maxPositionEmbeddings()));
  }

  private static SDVariable states(
      Config config, Layers layers, SDVariable x, int batch, int length) {
    SDVariable states = EncoderLayers.build(config.layers(), layers, ROOT, x, batch, length, true);
    return layers.layerNorm(
        ROOT + "final_layer_norm", states, config.hiddenSize(), config.layerNormEps());
  }
}
