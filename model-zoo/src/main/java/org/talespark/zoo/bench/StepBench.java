package org.talespark.zoo.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.graph.CompiledGraph;

/**
 * Times training steps, forward and backward, in SameDiff's interpreter and in a compiled plan, in
 * one process. The two take turns, round by round, so that whatever else happens on the machine
 * meets both.
 *
 * <p>The native runtime must be set up before.
 */
public final class StepBench {
  private static final int COMPILED_STEPS_A_ROUND = 2;
  private static final int COUNTED_STEPS = 5;

  private static final List<StepCase> CASES =
      List.of(
          new TransformerCase(4, 256, 256, 8),
          new VqVaeCase(16, 64, 128, 3, 64, 512),
          DenoiserCase.uNet(),
          DenoiserCase.dit(),
          ClipCase.vitB32());

  private StepBench() {}

  /**
   * How to measure.
   *
   * @param rounds rounds to measure, at least 1
   * @param warmUp rounds before, not measured
   * @param threads threads of one operation, as the native runtime was set up; only reported
   */
  public record Settings(int rounds, int warmUp, int threads) {
    public Settings {
      if (rounds < 1 || warmUp < 0 || threads < 1) {
        throw new IllegalArgumentException(
            "Cannot time steps: rounds=%d warm_up=%d threads=%d, expected at least 1, 0 and 1"
                .formatted(rounds, warmUp, threads));
      }
    }
  }

  /** The names of all cases. */
  public static List<String> names() {
    return CASES.stream().map(StepCase::name).toList();
  }

  /**
   * Measures some cases.
   *
   * @param names cases of {@link #names()}, or none for all of them
   * @param progress takes a line about each case
   */
  public static StepResult run(Settings settings, List<String> names, Consumer<String> progress) {
    checked(names);
    return measure(
        settings,
        CASES.stream().filter(c -> names.isEmpty() || names.contains(c.name())).toList(),
        progress);
  }

  /** Returns the names if each is a case's name. */
  public static List<String> checked(List<String> names) {
    for (String name : names) {
      if (!names().contains(name)) {
        throw new IllegalArgumentException(
            "Cannot time steps: case=%s, expected one of %s".formatted(name, names()));
      }
    }
    return names;
  }

  static StepResult measure(Settings settings, List<StepCase> cases, Consumer<String> progress) {
    PrintStream out = System.out;
    // the interpreter prints a line for every operation that it differentiates
    System.setOut(new PrintStream(OutputStream.nullOutputStream(), false, UTF_8));
    try {
      List<StepResult.Case> results = new ArrayList<>();
      for (StepCase each : cases) {
        StepResult.Case result = measure(settings, each);
        progress.accept(
            "%s: interpreter %.1f ms, compiled %.1f ms, ratio %.2f"
                .formatted(
                    result.name(), result.interpreterMs(), result.compiledMs(), result.ratio()));
        results.add(result);
      }
      return new StepResult(settings.threads(), settings.rounds(), 1, results);
    } finally {
      System.setOut(out);
    }
  }

  private static StepResult.Case measure(Settings settings, StepCase each) {
    SameDiff graph = each.graph();
    List<String> trained = StepCase.trained(graph);
    StepCase.Interpreted interpreted = each.interpreted();
    CompiledGraph.Builder builder = CompiledGraph.of(graph).train(trained).losses(StepCase.LOSS);
    each.inputs().forEach((name, array) -> builder.input(name, array.shape()));
    try (CompiledGraph plan = builder.build()) {
      each.inputs().forEach((name, array) -> plan.input(name).assign(array));
      plan.run();
      double difference = difference(interpreted.gradients(), plan, trained);
      int rounds = settings.rounds();
      double[] interpreter = new double[rounds];
      double[] compiled = new double[rounds * COMPILED_STEPS_A_ROUND];
      for (int round = -settings.warmUp(); round < rounds; round++) {
        double step = milliseconds(interpreted::gradients);
        if (round >= 0) {
          interpreter[round] = step;
        }
        for (int i = 0; i < COMPILED_STEPS_A_ROUND; i++) {
          step = milliseconds(plan::run);
          if (round >= 0) {
            compiled[round * COMPILED_STEPS_A_ROUND + i] = step;
          }
        }
      }
      NativeAllocations allocations = NativeAllocations.during(plan::run, COUNTED_STEPS);
      double ofInterpreter = StepResult.median(interpreter);
      double ofCompiled = StepResult.median(compiled);
      return new StepResult.Case(
          each.name(),
          ofInterpreter,
          ofCompiled,
          ofInterpreter / ofCompiled,
          difference,
          plan.report().arenaBytes(),
          plan.report().sumOfArraysBytes(),
          allocations.count(),
          allocations.bytes(),
          List.of(ofInterpreter / ofCompiled));
    }
  }

  /** Of any two gradients' elements. */
  private static double difference(
      Map<String, INDArray> expected, CompiledGraph plan, List<String> trained) {
    double difference = 0;
    for (String name : trained) {
      difference =
          Math.max(difference, difference(expected.get(name), plan.gradients().view(name)));
    }
    return difference;
  }

  private static double milliseconds(Runnable step) {
    long start = System.nanoTime();
    step.run();
    return (System.nanoTime() - start) / 1e6;
  }

  /** Largest absolute difference; NaN where a value is not a number. */
  private static double difference(INDArray a, INDArray b) {
    if (!Arrays.equals(a.shape(), b.shape())) {
      return Double.POSITIVE_INFINITY;
    }
    float[] x = a.dup('c').data().asFloat();
    float[] y = b.dup('c').data().asFloat();
    double largest = 0;
    for (int i = 0; i < x.length; i++) {
      largest = Math.max(largest, Math.abs((double) x[i] - y[i]));
    }
    return largest;
  }
}
