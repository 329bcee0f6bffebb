package org.talespark.jobs.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.talespark.data.bench.PeerProgram;
import org.talespark.zoo.bench.StepBench;
import org.talespark.zoo.bench.StepResult;

/**
 * The same training steps in a program of another language, in turn with the processes of ours. It
 * is called with the numbers of steps and of threads and the names of the cases, and prints a line
 * of JSON with {@code case} and {@code median_ms} for each case that it knows.
 */
final class PeerSteps {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final PeerProgram program;
  private final StepBench.Settings settings;
  private final List<String> cases;
  private final Map<String, List<Double>> times = new LinkedHashMap<>();
  private final Map<String, List<Double>> ratios = new LinkedHashMap<>();

  PeerSteps(PeerProgram program, StepBench.Settings settings, List<String> cases) {
    this.program = program;
    this.settings = settings;
    this.cases = cases.isEmpty() ? StepBench.names() : List.copyOf(cases);
  }

  /**
   * A case of the program; {@code case} in JSON.
   *
   * @param peerMs a step, the median of its processes' medians
   * @param ratio that time over the compiled plan's
   * @param ratios the same of each turn
   */
  @JsonNaming(SnakeCaseStrategy.class)
  record Case(
      @JsonProperty("case") String name, double peerMs, double ratio, List<Double> ratios) {}

  /**
   * Takes a turn.
   *
   * @param ours what our process of this turn found
   */
  void measure(StepResult ours) throws IOException {
    List<String> arguments = new ArrayList<>();
    arguments.add(Integer.toString(settings.rounds()));
    arguments.add(Integer.toString(settings.threads()));
    arguments.addAll(cases);
    String answer = program.answer(arguments);
    try (MappingIterator<JsonNode> lines = JSON.readerFor(JsonNode.class).readValues(answer)) {
      while (lines.hasNext()) {
        JsonNode line = lines.next();
        String name = line.path("case").asText();
        double step = line.path("median_ms").asDouble();
        StepResult.Case same =
            ours.cases().stream().filter(c -> c.name().equals(name)).findFirst().orElse(null);
        if (same == null || step <= 0) {
          throw new IOException(
              "Cannot time %s: answer=%s, expected median_ms and one of %s as case"
                  .formatted(program.command(), line, cases));
        }
        times.computeIfAbsent(name, n -> new ArrayList<>()).add(step);
        ratios.computeIfAbsent(name, n -> new ArrayList<>()).add(step / same.compiledMs());
      }
    }
  }

  /** What was found, beside our results of all turns. */
  List<Case> found(StepResult ours) {
    return ours.cases().stream()
        .filter(c -> times.containsKey(c.name()))
        .map(
            c -> {
              double step = median(times.get(c.name()));
              return new Case(c.name(), step, step / c.compiledMs(), ratios.get(c.name()));
            })
        .toList();
  }

  private static double median(List<Double> values) {
    return StepResult.median(values.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
