package org.talespark.zoo.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What a benchmark of training steps found.
 *
 * @param threads threads of one operation
 * @param rounds rounds that each process measured, after warm-up
 * @param processes processes that measured
 * @param cases one entry a case
 */
@JsonNaming(SnakeCaseStrategy.class)
public record StepResult(int threads, int rounds, int processes, List<Case> cases) {
  public StepResult {
    cases = List.copyOf(cases);
  }

  /**
   * One training step, forward and backward. Times are medians, in milliseconds; of several
   * processes the median of theirs.
   *
   * @param name the case's name; {@code case} in JSON
   * @param interpreterMs a step of SameDiff's interpreter
   * @param compiledMs a step of the compiled plan
   * @param ratio the first time over the second
   * @param maxGradientDifference largest absolute difference of any two gradients' elements, 0 when
   *     all bits are equal
   * @param planBytes what the plan allocates for intermediate arrays
   * @param sumOfArraysBytes the same arrays, each in memory of its own
   * @param arraysAllocated native allocations during the compiled steps
   * @param bytesAllocated their bytes
   * @param ratios the ratio in each process, in the order in which they ran
   */
  @JsonNaming(SnakeCaseStrategy.class)
  public record Case(
      @JsonProperty("case") String name,
      double interpreterMs,
      double compiledMs,
      double ratio,
      double maxGradientDifference,
      long planBytes,
      long sumOfArraysBytes,
      long arraysAllocated,
      long bytesAllocated,
      List<Double> ratios) {
    public Case {
      ratios = List.copyOf(ratios);
    }
  }

  /**
   * One result of several, each from a fresh process with the same settings: medians of times, the
   * ratio of these medians, and the worst of everything else.
   */
  public static StepResult combine(List<StepResult> results) {
    StepResult first = results.get(0);
    List<Case> cases = new ArrayList<>();
    for (int i = 0; i < first.cases().size(); i++) {
      int at = i;
      List<Case> same = results.stream().map(r -> r.cases().get(at)).toList();
      double interpreter = median(same, Case::interpreterMs);
      double compiled = median(same, Case::compiledMs);
      cases.add(
          new Case(
              first.cases().get(i).name(),
              interpreter,
              compiled,
              interpreter / compiled,
              // a NaN stays one
              same.stream().mapToDouble(Case::maxGradientDifference).reduce(0, Math::max),
              same.stream().mapToLong(Case::planBytes).max().orElseThrow(),
              same.stream().mapToLong(Case::sumOfArraysBytes).max().orElseThrow(),
              same.stream().mapToLong(Case::arraysAllocated).max().orElseThrow(),
              same.stream().mapToLong(Case::bytesAllocated).max().orElseThrow(),
              same.stream().flatMap(c -> c.ratios().stream()).toList()));
    }
    int processes = results.stream().mapToInt(StepResult::processes).sum();
    return new StepResult(first.threads(), first.rounds(), processes, cases);
  }

  private static double median(List<Case> cases, ToDoubleFunction<Case> value) {
    return median(cases.stream().mapToDouble(value).toArray());
  }

  /** The middle value, or the mean of the two in the middle. */
  public static double median(double[] values) {
    double[] sorted = values.clone();
    java.util.Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
