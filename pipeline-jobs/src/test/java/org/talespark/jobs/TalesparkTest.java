package org.talespark.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.talespark.data.BadInputException;
import org.talespark.jobs.config.ConfigTree;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

class TalesparkTest {

  record Painted(int pictures, double imagesPerSecond, String runDirectory) {}

  record Settings(Paint paint) {}

  record Paint(int brushes) {}

  /** A command as any other one, to try the rules on. */
  @Command(name = "paint", description = "Paints.")
  static final class Painter extends JobCommand {
    @Option(names = "--canvas", required = true)
    private String canvas;

    @Override
    protected boolean takesConfiguration() {
      return true;
    }

    @Override
    protected Object run(Context context) throws Exception {
      Settings settings =
          context.overlay(ConfigTree.builder().set("paint.brushes=2")).build().bind(Settings.class);
      context.log().println("painting with " + settings.paint().brushes());
      switch (canvas) {
        case "missing" -> throw new BadInputException("Cannot read canvas: path=missing");
        case "torn" ->
            throw new IllegalStateException(
                "Cannot paint", new IllegalStateException(new BadInputException("torn")));
        case "wet" -> throw new IOException("still wet");
        case "deep" ->
            throw new IllegalStateException("Cannot paint", new IllegalArgumentException("inner"));
        case "refused" -> throw new FailedChecksException("Cannot hang it", new Painted(1, 0, ""));
        default -> {
          return new Painted(settings.paint().brushes(), 1.5, "runs/" + canvas);
        }
      }
    }
  }

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Surroundings around =
      new Surroundings(
          new PrintStream(out, true, UTF_8),
          new PrintStream(err, true, UTF_8),
          (name, master) -> {
            throw new AssertionError("no session is needed here");
          });

  @Test
  void aResultIsPrintedForPeople() {
    assertThat(run("paint", "--canvas", "a")).isZero();
    assertThat(out()).contains("status: done", "pictures: 2", "run_directory: runs/a");
    assertThat(err()).contains("painting with 2").doesNotContain("pictures:");
  }

  @Test
  void withJsonTheLastLineOfStandardOutputIsTheResult() throws IOException {
    assertThat(run("paint", "--canvas", "a", "--json", "--set", "paint.brushes=7")).isZero();
    JsonNode result = lastLine();
    assertThat(result.fieldNames())
        .toIterable()
        .containsExactly("status", "seconds", "pictures", "images_per_second", "run_directory");
    assertThat(result.get("status").asText()).isEqualTo("done");
    assertThat(result.get("seconds").isNumber()).isTrue();
    assertThat(result.get("pictures").asInt()).isEqualTo(7);
  }

  @Test
  void aDryRunPrintsThePlanAndDoesNothing() throws IOException {
    assertThat(run("paint", "--canvas", "wet", "--dry-run", "--json", "--master", "local[3]"))
        .isZero();
    assertThat(lastLine().get("status").asText()).isEqualTo("planned");
    assertThat(lastLine().at("/options/--canvas").asText()).isEqualTo("wet");
    assertThat(lastLine().at("/options/master").asText()).isEqualTo("local[3]");
    assertThat(err()).isEmpty();
  }

  @Test
  void badUsageEndsWithTwoAndTheNearestName() {
    assertThat(run("paint", "--canvass", "a")).isEqualTo(2);
    assertThat(err()).contains("--canvass").contains("did you mean --canvas?");
    assertThat(run("pant", "--canvas", "a")).isEqualTo(2);
    assertThat(err()).contains("Unknown command: pant; did you mean paint?");
    assertThat(run("studio", "skech")).isEqualTo(2);
    assertThat(err()).contains("did you mean sketch?");
    assertThat(run("paint")).isEqualTo(2);
    assertThat(err()).contains("--canvas");
    assertThat(run()).isEqualTo(2);
    assertThat(run("studio")).isEqualTo(2);
    assertThat(out()).isEmpty();
  }

  @Test
  void badConfigurationEndsWithTwoAndOneLine() {
    assertThat(run("paint", "--canvas", "a", "--set", "paint.brush=3")).isEqualTo(2);
    assertThat(err().lines()).hasSize(1).first().asString().contains("did you mean paint.brushes?");
  }

  @Test
  void configurationForACommandThatHasNoneIsRefused() {
    assertThat(Talespark.run(new String[] {"doctor", "--set", "a=1"}, around)).isEqualTo(2);
    assertThat(err()).contains("--set").contains("no configuration");
  }

  @Test
  void badInputDataEndsWithThreeEvenBelowOtherExceptions() {
    assertThat(run("paint", "--canvas", "missing")).isEqualTo(3);
    assertThat(run("paint", "--canvas", "torn")).isEqualTo(3);
    assertThat(err()).contains("path=missing").contains("torn");
  }

  @Test
  void anyOtherFailureEndsWithFourAndOneLine() {
    assertThat(run("paint", "--canvas", "wet")).isEqualTo(4);
    assertThat(err()).contains("IOException: still wet").doesNotContain("\tat ");
    assertThat(run("paint", "--canvas", "deep")).isEqualTo(4);
    assertThat(err()).contains("Cannot paint; because: inner");
  }

  @Test
  void verboseShowsWhereAFailureCameFrom() {
    assertThat(run("paint", "--canvas", "wet", "--verbose")).isEqualTo(4);
    assertThat(err()).contains("\tat ");
  }

  @Test
  void failuresAreJsonToo() throws IOException {
    assertThat(run("paint", "--canvas", "missing", "--json")).isEqualTo(3);
    assertThat(lastLine().get("status").asText()).isEqualTo("failed");
    assertThat(lastLine().get("exit_code").asInt()).isEqualTo(3);
    assertThat(lastLine().get("error").asText()).contains("path=missing");
    assertThat(run("paint", "--json", "--nonsense")).isEqualTo(2);
    assertThat(lastLine().get("exit_code").asInt()).isEqualTo(2);
  }

  @Test
  void aFailedOutcomeStillPrintsWhatWasFound() throws IOException {
    assertThat(run("paint", "--canvas", "refused", "--json")).isEqualTo(4);
    assertThat(lastLine().get("status").asText()).isEqualTo("failed");
    assertThat(lastLine().get("pictures").asInt()).isOne();
    assertThat(err()).contains("Cannot hang it");
  }

  @Test
  void aCommittedResultLineIsTheOneThatIsPrinted() throws InterruptedException {
    Context context = new Context("paint", new CommonOptions(), around);
    String committed = context.resultLine(new Painted(1, 2, "x"));
    Thread.sleep(20);
    assertThat(Results.line(context.result("done", null))).isEqualTo(committed);
  }

  @Test
  void everyRegisteredCommandHasADescription() {
    Talespark.commandLine(around)
        .getSubcommands()
        .forEach(
            (name, line) ->
                assertThat(line.getCommandSpec().usageMessage().description())
                    .as(name)
                    .isNotEmpty());
  }

  @Test
  void doctorWithoutAClusterLooksAtThisProcess() throws IOException {
    int code = Talespark.run(new String[] {"doctor", "--no-cluster", "--json"}, around);
    assertThat(code).as(err()).isZero();
    assertThat(lastLine().at("/driver").findValuesAsText("name"))
        .contains("java", "java_opens", "network", "nd4j_build", "memory_limits", "disk_space");
    assertThat(lastLine().at("/executors")).isEmpty();
  }

  private int run(String... args) {
    Supplier<JobCommand> painter = Painter::new;
    return Talespark.commandLine(around, Map.of("paint", painter, "studio sketch", painter))
        .execute(args);
  }

  private String out() {
    return out.toString(UTF_8);
  }

  private String err() {
    return err.toString(UTF_8);
  }

  private JsonNode lastLine() throws IOException {
    List<String> lines = out().lines().toList();
    return new ObjectMapper().readTree(lines.get(lines.size() - 1));
  }
}
