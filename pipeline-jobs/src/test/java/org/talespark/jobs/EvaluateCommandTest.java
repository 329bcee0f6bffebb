package org.talespark.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvaluateCommandTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int plan(String... more) {
    List<String> words =
        new ArrayList<>(List.of("evaluate", "--checkpoint", "RUN", "--dataset", "DATASET"));
    words.addAll(List.of("--dry-run", "--json"));
    words.addAll(List.of(more));
    return Talespark.run(
        words.toArray(String[]::new),
        new Surroundings(
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            (name, master) -> {
              throw new AssertionError("no session is needed here");
            }));
  }

  @Test
  void whatIsLeftOutHasItsDocumentedValue() throws Exception {
    assertThat(plan("--set", "evaluate.prompts=5", "--set", "evaluate.sampler={type: ddim}"))
        .as(err.toString(UTF_8))
        .isZero();
    JsonNode plan = new ObjectMapper().readTree(out.toString(UTF_8)).get("evaluate");
    assertThat(plan.get("prompts").asInt()).isEqualTo(5);
    assertThat(plan.get("shown").asInt()).isEqualTo(12);
    assertThat(plan.get("seed").asInt()).isEqualTo(1);
    assertThat(plan.at("/sampler/steps").asInt()).isEqualTo(50);
    for (String key : List.of("samples", "guidance", "latents")) {
      assertThat(plan.get(key).isNull()).as(key).isTrue();
    }
    out.reset();
    assertThat(plan()).isZero();
    assertThat(new ObjectMapper().readTree(out.toString(UTF_8)).at("/evaluate/prompts").asInt())
        .isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource({
    "evaluate.prompts=0, evaluate.prompts=0",
    "evaluate.promts=3, did you mean evaluate.prompts?",
    "evaluate.samples=1, 'evaluate.samples=1, expected at least 2'",
    "evaluate.guidance=-1, evaluate.guidance=-1",
    "evaluate.shown=999, evaluate.shown=999"
  })
  void whatCannotWorkIsRefusedByItsKey(String setting, String words) {
    assertThat(plan("--set", setting)).isEqualTo(2);
    assertThat(err.toString(UTF_8)).contains(words);
  }
}
