package org.talespark.zoo.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.talespark.zoo.contrastive.ClipModel;
import org.talespark.zoo.contrastive.VisionEncoder;
import org.talespark.zoo.diffusion.Dit;
import org.talespark.zoo.diffusion.UNet2DCondition;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.text.TextEncoder;

/** No timing is asserted: only what holds on a busy machine too. */
class StepBenchTest {
  /** With too few channels for Winograd's algorithm, which is not bit-equal. */
  private static final List<StepCase> TINY =
      List.of(new TransformerCase(2, 5, 8, 2), new VqVaeCase(2, 16, 8, 2, 16, 7));

  @Test
  void aPlansGradientsAreTheInterpretersBitForBitInLessMemory() {
    List<String> progress = new ArrayList<>();
    StepResult result = StepBench.measure(new StepBench.Settings(2, 1, 2), TINY, progress::add);
    assertThat(result.cases())
        .extracting(StepResult.Case::name)
        .containsExactly("transformer_block", "vqvae_step");
    assertThat(progress).hasSize(2);
    for (StepResult.Case each : result.cases()) {
      assertThat(each.maxGradientDifference()).as(each.name()).isZero();
      assertThat(each.ratio()).as(each.name()).isPositive();
      assertThat(each.planBytes()).as(each.name()).isLessThan(each.sumOfArraysBytes());
    }
  }

  @Test
  void aPlanOfConvolutionsDiffersFromTheInterpreterByRoundingAlone() {
    List<StepCase> tiny =
        List.of(
            new VqVaeCase(2, 32, 16, 2, 16, 7),
            new DenoiserCase(
                "unet_step",
                new UNet2DCondition.Config(3, List.of(4, 8), 1, List.of(false, true), 2, 4, 2, 5),
                2,
                8,
                5),
            new DenoiserCase("dit_s8_step", new Dit.Config(3, 2, 8, 2, 2, 5), 2, 8, 5));
    StepResult result = StepBench.measure(new StepBench.Settings(1, 0, 2), tiny, line -> {});
    assertThat(result.cases())
        .extracting(StepResult.Case::name)
        .containsExactly("vqvae_step", "unet_step", "dit_s8_step");
    for (StepResult.Case each : result.cases()) {
      assertThat(each.maxGradientDifference()).as(each.name()).isBetween(0.0, 1e-4);
      assertThat(each.ratio()).as(each.name()).isPositive();
    }
  }

  @Test
  void clipsPlanDiffersFromTheInterpreterByRoundingAlone() {
    ClipModel.Config clip =
        new ClipModel.Config(
            new TextEncoder.Config(11, 8, 16, 2, 2, 5, 1e-5, Activation.QUICK_GELU, 10),
            new VisionEncoder.Config(8, 16, 2, 2, 3, 8, 4, 1e-5, Activation.QUICK_GELU),
            6,
            1);
    StepResult result =
        StepBench.measure(
            new StepBench.Settings(1, 0, 2), List.of(new ClipCase(clip, 3)), line -> {});
    StepResult.Case found = result.cases().get(0);
    assertThat(found.name()).isEqualTo("clip_b32_step");
    assertThat(found.maxGradientDifference()).isBetween(0.0, 1e-4);
    assertThat(found.ratio()).isPositive();
  }

  @Test
  void theResultHasTheKeysOfTheCommandLine() {
    StepResult result =
        StepBench.measure(new StepBench.Settings(1, 0, 2), TINY.subList(0, 1), line -> {});
    JsonNode tree = new ObjectMapper().valueToTree(result);
    assertThat(tree.fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder("threads", "rounds", "processes", "cases");
    assertThat(tree.at("/cases/0").fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder(
            "case",
            "interpreter_ms",
            "compiled_ms",
            "ratio",
            "max_gradient_difference",
            "plan_bytes",
            "sum_of_arrays_bytes",
            "arrays_allocated",
            "bytes_allocated",
            "ratios");
  }

  @Test
  void aResultSurvivesItsWayThroughJson() throws Exception {
    StepResult result = new StepResult(2, 3, 1, List.of(entry(4, 2, 0)));
    ObjectMapper json = new ObjectMapper();
    assertThat(json.readValue(json.writeValueAsString(result), StepResult.class)).isEqualTo(result);
  }

  @Test
  void processesAreCombinedByMediansAndTheWorst() {
    StepResult combined =
        StepResult.combine(
            List.of(
                new StepResult(2, 3, 1, List.of(entry(8, 2, 0))),
                new StepResult(2, 3, 1, List.of(entry(100, 1, 0))),
                new StepResult(2, 3, 1, List.of(entry(9, 3, 0.5)))));
    assertThat(combined.processes()).isEqualTo(3);
    StepResult.Case each = combined.cases().get(0);
    assertThat(each.interpreterMs()).isEqualTo(9);
    assertThat(each.compiledMs()).isEqualTo(2);
    assertThat(each.ratio()).isEqualTo(4.5);
    assertThat(each.maxGradientDifference()).isEqualTo(0.5);
    assertThat(each.ratios()).containsExactly(4.0, 100.0, 3.0);
  }

  @Test
  void aGradientThatIsNotANumberIsNotHidden() {
    StepResult combined =
        StepResult.combine(
            List.of(
                new StepResult(2, 3, 1, List.of(entry(8, 2, Double.NaN))),
                new StepResult(2, 3, 1, List.of(entry(8, 2, 0)))));
    assertThat(combined.cases().get(0).maxGradientDifference()).isNaN();
  }

  @Test
  void standardOutputStaysClean() {
    PrintStream out = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      StepBench.measure(new StepBench.Settings(1, 0, 2), TINY.subList(0, 1), line -> {});
    } finally {
      System.setOut(out);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).isEmpty();
  }

  @Test
  void unknownCasesAreRefused() {
    assertThatThrownBy(
            () -> StepBench.run(new StepBench.Settings(1, 0, 2), List.of("nothing"), line -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("case=nothing")
        .hasMessageContaining("vqvae_step");
  }

  private static StepResult.Case entry(double interpreter, double compiled, double difference) {
    return new StepResult.Case(
        "case",
        interpreter,
        compiled,
        interpreter / compiled,
        difference,
        1,
        2,
        0,
        0,
        List.of(interpreter / compiled));
  }
}
