package org.talespark.zoo.language;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/** Small decoders in training, for tests. */
final class Models implements AutoCloseable {
  private final int rows;
  private final int context;
  final Llama.Config config;
  final Llama.Handles handles;
  final CompiledGraph plan;

  Models(Llama.Config config, DataType type, int rows, int context) {
    this.config = config;
    this.rows = rows;
    this.context = context;
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, 5);
    handles = Llama.build(config, layers, rows, context);
    long n = (long) rows * context;
    plan =
        CompiledGraph.of(ops.graph())
            .input("tokens", n)
            .input("labels", n)
            .input("weights", n)
            .outputs("logits", "losses")
            .losses("loss")
            .train(layers.names())
            .build();
    // norms begin at one everywhere, which would hide a gain that is not used
    plan.parameters()
        .views()
        .forEach(
            (name, array) -> {
              if (array.rank() == 1) {
                array.muli(0.8).addi(Nd4j.linspace(type, 0, 0.1, array.length()));
              }
            });
  }

  /** Width 8, two layers, heads of 4 with grouped queries when {@code keyHeads} is 1. */
  static Llama.Config config(int vocabulary, int keyHeads, boolean tied) {
    return new Llama.Config(vocabulary, 8, 12, 2, 2, keyHeads, 64, 1e-5, 100, tied, 0.3);
  }

  static Llama.Config ofBytes(boolean tied) {
    return new Llama.Config(ByteTokens.COUNT, 16, 24, 2, 4, 2, 32, 1e-5, 10000, tied, 0.05);
  }

  ByteTokens.Rows texts(String... texts) {
    return ByteTokens.rows(List.of(texts), rows, context);
  }

  void run(ByteTokens.Rows filled) {
    run(filled.inputs(), filled.labels(), filled.weights());
  }

  void run(int[] tokens, int[] labels, float[] weights) {
    plan.fill("tokens", tokens);
    plan.fill("labels", labels);
    plan.fill("weights", weights);
    plan.run();
  }

  /** [rows * context][vocabulary]. */
  double[][] logits() {
    INDArray logits = plan.output("logits").dup('c').castTo(DataType.DOUBLE);
    double[] flat = logits.data().asDouble();
    int width = config.vocabSize();
    double[][] rowsOfLogits = new double[rows * context][];
    for (int i = 0; i < rowsOfLogits.length; i++) {
      rowsOfLogits[i] = Arrays.copyOfRange(flat, i * width, (i + 1) * width);
    }
    return rowsOfLogits;
  }

  INDArray gradient(String name) {
    return plan.gradients().view(name);
  }

  Map<String, INDArray> weights() {
    return plan.parameters().views();
  }

  @Override
  public void close() {
    plan.close();
  }
}
