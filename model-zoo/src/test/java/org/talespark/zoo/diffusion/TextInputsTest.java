package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;
import org.talespark.zoo.graph.GradientCheck;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.TextTokens;

/** Texts as sums of their words. */
final class TextInputsTest {
  private static final int BATCH = 2;
  private static final int TOKENS = 4;
  private static final int WIDTH = 3;
  private static final TextInputs INPUTS =
      new TextInputs(BATCH, TOKENS, WIDTH, 7, TextPooling.WORDS, false);

  /** Of two and three tokens, one of them in both, one twice. */
  private static final TextTokens TEXTS =
      new TextTokens(
          new int[] {5, 2, 0, 0, 2, 6, 6, 0},
          new float[] {1, 1, 0, 0, 1, 1, 1, 0},
          new int[] {1, 6},
          TOKENS,
          0);

  /** The mean square of the texts' vectors, whose gradients reach the table alone. */
  private static CompiledGraph plan() {
    Ops ops = new Ops(DataType.DOUBLE);
    Layers layers = Layers.trainable(ops, 3);
    SDVariable pooled = INPUTS.encoded(layers).pooled();
    ops.name("pooled", pooled);
    ops.name("loss", pooled.mul(pooled).mean());
    CompiledGraph plan =
        INPUTS
            .encodedInputs(CompiledGraph.of(ops.graph()))
            .outputs("pooled")
            .losses("loss")
            .train(layers.names())
            .build();
    float[] rows = new float[BATCH * TOKENS * WIDTH];
    INPUTS.fillEncoded(plan, new TextInputs.Encoded(TEXTS, rows, null));
    return plan;
  }

  @Test
  void aTextIsTheSumOfItsWordsOverTheRootOfTheirNumber() {
    try (CompiledGraph plan = plan()) {
      plan.run();
      INDArray table = plan.parameters().view(TextInputs.WORDS);
      for (int b = 0; b < BATCH; b++) {
        for (int d = 0; d < WIDTH; d++) {
          double sum = 0;
          int count = 0;
          for (int n = b * TOKENS; n < (b + 1) * TOKENS; n++) {
            if (TEXTS.mask()[n] == 1) {
              sum += table.getDouble(TEXTS.ids()[n], d);
              count++;
            }
          }
          assertThat(plan.output("pooled").getDouble(b, d))
              .isCloseTo(sum / Math.sqrt(count), Offset.offset(1e-14));
        }
      }
    }
  }

  @Test
  void gradientsReachTheWordsOfTheTextsAndNoOthers() {
    try (CompiledGraph plan = plan()) {
      GradientCheck.Result result = GradientCheck.check(plan, "loss", List.of(), 21);
      assertThat(result.worst()).as(result.where()).isLessThan(1e-8);
      plan.run();
      INDArray gradient = plan.gradients().view(TextInputs.WORDS);
      for (int word = 0; word < 7; word++) {
        boolean read = List.of(2, 5, 6).contains(word);
        assertThat(gradient.getRow(word).norm2Number().doubleValue() > 0)
            .as("word %d", word)
            .isEqualTo(read);
      }
    }
  }
}
