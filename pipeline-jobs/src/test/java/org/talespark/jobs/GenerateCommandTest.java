package org.talespark.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class GenerateCommandTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int plan(String... options) {
    List<String> args = new ArrayList<>(List.of("infer", "generate", "--checkpoint", "RUN"));
    args.addAll(List.of("--out", "OUT", "--dry-run", "--json"));
    args.addAll(Arrays.asList(options));
    return Talespark.run(
        args.toArray(String[]::new),
        new Surroundings(
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            (name, master) -> {
              throw new AssertionError("a session was opened");
            }));
  }

  @Test
  void optionsAreKeysOfTheConfiguration() throws IOException {
    int code =
        plan(
            "--set",
            "generate.sampler.type=ddim",
            "--set",
            "generate.sampler.eta=0.5",
            "--set",
            "generate.batch=4",
            "--steps",
            "30",
            "--seed",
            "7",
            "--number",
            "3",
            "--guidance",
            "2.5",
            "--strength",
            "0.4");
    assertThat(code).as(err.toString(UTF_8)).isZero();
    JsonNode generate = new ObjectMapper().readTree(out.toString(UTF_8)).get("generate");
    assertThat(generate.at("/sampler/type").asText()).isEqualTo("ddim");
    assertThat(generate.at("/sampler/steps").asInt()).isEqualTo(30);
    assertThat(generate.at("/sampler/eta").asDouble()).isEqualTo(0.5);
    assertThat(generate.get("batch").asInt()).isEqualTo(4);
    assertThat(generate.get("seed").asLong()).isEqualTo(7);
    assertThat(generate.get("number").asInt()).isEqualTo(3);
    assertThat(generate.get("guidance").asDouble()).isEqualTo(2.5);
    assertThat(generate.get("strength").asDouble()).isEqualTo(0.4);
  }

  @Test
  void whatIsLeftOutIsTheCheckpointsOwn() throws IOException {
    assertThat(plan()).isZero();
    JsonNode generate = new ObjectMapper().readTree(out.toString(UTF_8)).get("generate");
    assertThat(generate.get("sampler").isNull()).isTrue();
    assertThat(generate.get("guidance").isNull()).isTrue();
    assertThat(generate.get("strength").isNull()).isTrue();
    assertThat(generate.get("seed").asLong()).isEqualTo(1);
    assertThat(generate.get("number").asInt()).isEqualTo(1);
    assertThat(generate.get("batch").asInt()).isEqualTo(8);
  }

  private void refuses(String message, String... options) {
    err.reset();
    assertThat(plan(options)).isEqualTo(ExitCode.BAD_USAGE);
    assertThat(err.toString(UTF_8)).contains(message);
  }

  @Test
  void wrongOptionsAreRefusedWithTheNearestRightOne() {
    refuses("did you mean dpm_solver?", "--sampler", "dpm_solvr");
    refuses("missing generate.sampler.type", "--steps", "20");
    refuses("did you mean generate.guidance?", "--set", "generate.guidence=3");
    refuses("generate.strength=1.5, expected 0 to 1", "--strength", "1.5");
    refuses("generate.guidance=-1.0, expected", "--guidance", "-1");
    refuses("generate.number=0, expected 1", "--number", "0");
  }
}
