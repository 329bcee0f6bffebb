package org.talespark.zoo.language;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/** Goes on with a text by the likeliest byte, one pass over the whole text a byte. */
final class GreedyWriter implements AutoCloseable {
  private final Llama.Config config;
  private final int context;
  private final CompiledGraph plan;

  GreedyWriter(Llama.Config config, Map<String, INDArray> weights, int context) {
    this.config = config;
    this.context = context;
    Ops ops = new Ops(DataType.FLOAT);
    Layers layers = Layers.bound(ops);
    Llama.build(config, layers, 1, context);
    CompiledGraph.Builder builder =
        CompiledGraph.of(ops.graph()).input("tokens", context).outputs("logits");
    layers.names().forEach(name -> builder.bind(name, weights.get(name)));
    this.plan = builder.build();
  }

  /** The beginning and what follows it, to the end token or as far as the context reaches. */
  String write(String beginning) {
    int[] tokens = new int[context];
    Arrays.fill(tokens, ByteTokens.PAD);
    tokens[0] = ByteTokens.BEGIN;
    int at = 0;
    for (byte b : beginning.getBytes(UTF_8)) {
      tokens[++at] = Byte.toUnsignedInt(b);
    }
    while (at + 1 < context) {
      plan.fill("tokens", tokens);
      plan.run();
      float[] logits = plan.output("logits").dup('c').data().asFloat();
      int best = 0;
      for (int token = 1; token < config.vocabSize(); token++) {
        int row = at * config.vocabSize();
        best = logits[row + token] > logits[row + best] ? token : best;
      }
      if (best == ByteTokens.END) {
        break;
      }
      tokens[++at] = best;
    }
    return ByteTokens.text(tokens);
  }

  @Override
  public void close() {
    plan.close();
  }
}
