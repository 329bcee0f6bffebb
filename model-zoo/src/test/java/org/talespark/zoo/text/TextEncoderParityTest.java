package org.talespark.zoo.text;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.Parity;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;

/** The text encoder computes what PyTorch computes with the same weights. */
class TextEncoderParityTest {
  private static final TextEncoder.Config CONFIG = new TextEncoder.Config(11, 8, 12, 2, 2, 9, 1e-5);

  @ParameterizedTest
  @CsvSource({"FLOAT, 1e-5", "DOUBLE, 5e-7"})
  void statesAndGradientsArePyTorchs(DataType type, double tolerance) {
    Parity torch = Parity.of("text_encoder");
    INDArray ids = torch.array("input.ids");
    int batch = (int) ids.size(0);
    int tokens = (int) ids.size(1);
    long[] rows = {ids.length(), CONFIG.hiddenSize()};
    Ops ops = new Ops(type);
    Layers layers = Layers.trainable(ops, 1);
    SDVariable states =
        TextEncoder.build(CONFIG, layers, ops.indices("ids", ids.length()), batch, tokens);
    ops.name("states", states);
    ops.name("loss", ops.meanSquare(states, ops.input("target", rows)));
    try (CompiledGraph plan =
        CompiledGraph.of(ops.graph())
            .input("ids", ids.length())
            .input("target", rows)
            .outputs("states")
            .losses("loss")
            .train(layers.names())
            .build()) {
      torch.loadInto(plan.parameters().views());
      plan.fill("ids", ids.reshape(ids.length()).toIntVector());
      plan.input("target").assign(torch.array("target").reshape(rows));
      plan.run();
      torch.agrees("result", plan.output("states"), tolerance);
      torch.agrees("loss", plan.output("loss"), tolerance);
      torch.gradientsAgree(plan.gradients().views(), tolerance);
    }
  }
}
