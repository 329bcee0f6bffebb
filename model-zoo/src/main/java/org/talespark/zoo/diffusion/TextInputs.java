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
 * @param batch B
 * @param tokens N of each text
 * @param width D of a token's state
 * @param pooled whether the state of the last token also counts as the whole text
 */
record TextInputs(int batch, int tokens, int width, boolean pooled) {
  private static final String TOKENS = "tokens";
  private static final String LAST = "last_tokens";
  private static final String MASK = "token_mask";
  static final String ROWS = "text_rows";
  static final String POOLED = "pooled_text";

  /** Texts as an encoder made them: rows [B*N, D], mask [B, N], pooled [B, D] or null. */
  @SuppressWarnings("ArrayRecordComponent")
  record Encoded(float[] rows, float[] mask, float[] pooled) {}

  /** For texts of a configuration. */
  static TextInputs of(TextContext text, TextEncoder.Config encoder, int batch) {
    TextContext.checkTokens(text.tokens(), encoder);
    return new TextInputs(batch, text.tokens(), encoder.hiddenSize(), text.pooled());
  }

  /** Tokens as inputs, and the encoder behind them. */
  DenoiserConfig.Context encoder(Layers layers, TextEncoder.Config encoder) {
    Ops ops = layers.ops();
    SDVariable ids = ops.indices(TOKENS, (long) batch * tokens);
    SDVariable rows = TextEncoder.build(encoder, layers, ids, batch, tokens);
    SDVariable whole =
        pooled ? ops.embedding(rows, ops.indices(LAST, batch), (long) batch * tokens) : null;
    return new DenoiserConfig.Context(rows, ops.input(MASK, batch, tokens), whole, tokens);
  }

  /** States as inputs. */
  DenoiserConfig.Context encoded(Ops ops) {
    return new DenoiserConfig.Context(
        ops.input(ROWS, (long) batch * tokens, width),
        ops.input(MASK, batch, tokens),
        pooled ? ops.input(POOLED, batch, width) : null,
        tokens);
  }

  /** The inputs of {@link #encoder} without the mask, which an encoder does not need. */
  CompiledGraph.Builder tokenInputs(CompiledGraph.Builder builder) {
    builder.input(TOKENS, (long) batch * tokens);
    return pooled ? builder.input(LAST, batch) : builder;
  }

  CompiledGraph.Builder maskInput(CompiledGraph.Builder builder) {
    return builder.input(MASK, batch, tokens);
  }

  /** The inputs of {@link #encoded}. */
  CompiledGraph.Builder encodedInputs(CompiledGraph.Builder builder) {
    maskInput(builder).input(ROWS, (long) batch * tokens, width);
    return pooled ? builder.input(POOLED, batch, width) : builder;
  }

  void fillTokens(CompiledGraph plan, TextTokens texts) {
    plan.fill(TOKENS, texts.ids());
    if (pooled) {
      plan.fill(LAST, texts.last());
    }
  }

  void fillMask(CompiledGraph plan, float[] mask) {
    plan.fill(MASK, mask);
  }

  void fillEncoded(CompiledGraph plan, Encoded texts) {
    plan.fill(ROWS, texts.rows());
    fillMask(plan, texts.mask());
    if (pooled) {
      plan.fill(POOLED, texts.pooled());
    }
  }
}
