package org.talespark.zoo.diffusion;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.text.TextTokens;

/**
 * How texts enter a graph: as tokens with their encoder in the graph, or encoded before.
 *
 * <p>With {@link TextPooling#WORDS} a text as a whole is the sum of its tokens' vectors over the
 * root of their number, so that vectors of variance 1, as they begin, make one of variance 1.
 *
 * @param batch B
 * @param tokens N of each text
 * @param width D of a token's state
 * @param vocabulary V, tokens that there are
 * @param pooling what counts as the whole text
 * @param shifted whether the encoder has a token shift
 */
record TextInputs(
    int batch, int tokens, int width, int vocabulary, TextPooling pooling, boolean shifted) {
  /** The table of the words' vectors, [V, D]. */
  static final String WORDS = "text_words.weight";

  static final String ROWS = "text_rows";
  static final String POOLED = "pooled_text";
  private static final String TOKENS = "tokens";
  private static final String LAST = "last_tokens";
  private static final String MASK = "token_mask";

  /**
   * Texts as an encoder made them.
   *
   * @param rows [B*N, D]
   * @param last states of the last tokens, [B, D]; null where they do not count
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Encoded(TextTokens tokens, float[] rows, float[] last) {}

  /** For texts of a configuration. */
  static TextInputs of(TextContext text, TextEncoder.Config encoder, int batch) {
    TextContext.checkTokens(text.tokens(), encoder);
    boolean shifted = text instanceof TextContext.Encoder own && own.tokenShift();
    return new TextInputs(
        batch, text.tokens(), encoder.hiddenSize(), encoder.vocabSize(), text.pooling(), shifted);
  }

  boolean poolsLast() {
    return pooling == TextPooling.LAST;
  }

  /** Tokens as inputs, and the encoder behind them. */
  DenoiserConfig.Context encoder(Layers layers, TextEncoder.Config encoder) {
    Ops ops = layers.ops();
    SDVariable ids = ids(ops);
    SDVariable rows = states(layers, encoder, ids);
    SDVariable mask = mask(ops);
    SDVariable whole =
        switch (pooling) {
          case NONE -> null;
          case LAST -> last(ops, rows);
          case WORDS -> words(layers, ids, mask);
        };
    return new DenoiserConfig.Context(rows, mask, whole, tokens);
  }

  /** States as inputs. */
  DenoiserConfig.Context encoded(Layers layers) {
    Ops ops = layers.ops();
    SDVariable rows = ops.input(ROWS, (long) batch * tokens, width);
    SDVariable mask = mask(ops);
    SDVariable whole =
        switch (pooling) {
          case NONE -> null;
          case LAST -> ops.input(POOLED, batch, width);
          case WORDS -> words(layers, ids(ops), mask);
        };
    return new DenoiserConfig.Context(rows, mask, whole, tokens);
  }

  /**
   * An encoder by itself, whose states are {@link #ROWS} and, where they count, {@link #POOLED}.
   */
  void reading(Layers layers, TextEncoder.Config encoder) {
    Ops ops = layers.ops();
    SDVariable rows = ops.name(ROWS, states(layers, encoder, ids(ops)));
    if (poolsLast()) {
      ops.name(POOLED, last(ops, rows));
    }
  }

  private SDVariable ids(Ops ops) {
    return ops.indices(TOKENS, (long) batch * tokens);
  }

  private SDVariable mask(Ops ops) {
    return ops.input(MASK, batch, tokens);
  }

  private SDVariable states(Layers layers, TextEncoder.Config encoder, SDVariable ids) {
    return shifted
        ? TextEncoder.buildShifted(encoder, layers, ids, batch, tokens)
        : TextEncoder.build(encoder, layers, ids, batch, tokens);
  }

  private SDVariable last(Ops ops, SDVariable rows) {
    return ops.embedding(rows, ops.indices(LAST, batch), (long) batch * tokens);
  }

  /** Tokens [B*N] and their mask [B, N] -> [B, D]. */
  private SDVariable words(Layers layers, SDVariable ids, SDVariable mask) {
    Ops ops = layers.ops();
    SDVariable table = layers.normal(WORDS, 1, vocabulary, width);
    SDVariable rows = ops.reshape(ops.embedding(table, ids), batch, tokens, width);
    SDVariable shares = mask.div(ops.graph().math().sqrt(mask.sum(true, 1)));
    SDVariable sum = ops.matmul(ops.reshape(shares, batch, 1, tokens), rows, false, false);
    return ops.reshape(sum, batch, width);
  }

  /** The inputs of {@link #encoder}. */
  CompiledGraph.Builder encoderInputs(CompiledGraph.Builder builder) {
    return maskInput(readingInputs(builder));
  }

  /** The inputs of {@link #encoded}. */
  CompiledGraph.Builder encodedInputs(CompiledGraph.Builder builder) {
    maskInput(builder).input(ROWS, (long) batch * tokens, width);
    return switch (pooling) {
      case NONE -> builder;
      case LAST -> builder.input(POOLED, batch, width);
      case WORDS -> tokenInput(builder);
    };
  }

  /** The inputs of {@link #reading}. */
  CompiledGraph.Builder readingInputs(CompiledGraph.Builder builder) {
    tokenInput(builder);
    return poolsLast() ? builder.input(LAST, batch) : builder;
  }

  private CompiledGraph.Builder tokenInput(CompiledGraph.Builder builder) {
    return builder.input(TOKENS, (long) batch * tokens);
  }

  private CompiledGraph.Builder maskInput(CompiledGraph.Builder builder) {
    return builder.input(MASK, batch, tokens);
  }

  void fillEncoder(CompiledGraph plan, TextTokens texts) {
    fillReading(plan, texts);
    plan.fill(MASK, texts.mask());
  }

  void fillEncoded(CompiledGraph plan, Encoded texts) {
    plan.fill(ROWS, texts.rows());
    plan.fill(MASK, texts.tokens().mask());
    switch (pooling) {
      case NONE -> {}
      case LAST -> plan.fill(POOLED, texts.last());
      case WORDS -> plan.fill(TOKENS, texts.tokens().ids());
    }
  }

  void fillReading(CompiledGraph plan, TextTokens texts) {
    plan.fill(TOKENS, texts.ids());
    if (poolsLast()) {
      plan.fill(LAST, texts.last());
    }
  }
}
