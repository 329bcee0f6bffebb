package org.talespark.zoo.diffusion;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.TextEncoder;
import org.talespark.zoo.text.TextTokens;
import org.talespark.zoo.text.Tokenizer;
import org.talespark.zoo.train.Weights;

/** A tokenizer and a text encoder in use, for batches of one size. */
final class TextReader implements AutoCloseable {
  private final TextInputs inputs;
  private final Tokenizer tokenizer;
  private final CompiledGraph plan;

  /**
   * A reader.
   *
   * @param tokenizer stays open when this is closed
   */
  TextReader(
      TextInputs inputs,
      TextEncoder.Config encoder,
      Tokenizer tokenizer,
      Weights weights,
      DataType type) {
    checkFit(encoder, tokenizer);
    this.inputs = inputs;
    this.tokenizer = tokenizer;
    Ops ops = new Ops(type);
    Layers layers = Layers.bound(ops);
    inputs.reading(layers, encoder);
    CompiledGraph.Builder builder =
        inputs.readingInputs(CompiledGraph.of(ops.graph())).outputs(TextInputs.ROWS);
    if (inputs.poolsLast()) {
      builder.outputs(TextInputs.POOLED);
    }
    this.plan = weights.bind(builder, layers.names()).build();
  }

  /** Refuses a tokenizer whose tokens the encoder does not know. */
  static void checkFit(TextEncoder.Config encoder, Tokenizer tokenizer) {
    if (tokenizer.vocabulary() > encoder.vocabSize()) {
      throw new IllegalArgumentException(
          "Cannot use tokenizer: it has %d tokens, expected at most vocab_size=%d of the text encoder; try the tokenizer that it was trained with"
              .formatted(tokenizer.vocabulary(), encoder.vocabSize()));
    }
  }

  /** At most B texts; the rest of the batch is filled with empty ones. */
  TextInputs.Encoded read(List<String> texts) {
    List<String> all = new ArrayList<>(texts);
    all.addAll(Collections.nCopies(inputs.batch() - texts.size(), ""));
    TextTokens tokens = tokenizer.encode(all, inputs.tokens());
    inputs.fillReading(plan, tokens);
    plan.run();
    return new TextInputs.Encoded(
        tokens,
        plan.output(TextInputs.ROWS).ravel().toFloatVector(),
        inputs.poolsLast() ? plan.output(TextInputs.POOLED).ravel().toFloatVector() : null);
  }

  @Override
  public void close() {
    plan.close();
  }
}
