package org.talespark.jobs.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.talespark.data.bench.PeerProgram;
import org.talespark.jobs.Context;
import org.talespark.jobs.ForPeople;
import org.talespark.jobs.JobCommand;
import org.talespark.zoo.bench.StepBench;
import org.talespark.zoo.bench.StepResult;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code bench step}: training steps in SameDiff's interpreter and in a compiled plan. Each
 * measurement runs in a fresh process, because the interpreter's speed differs from process to
 * process.
 */
@Command(
    name = "step",
    description = "Compares training steps of SameDiff's interpreter and of compiled plans.")
public final class BenchStepCommand extends JobCommand {

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Rounds that a process measures after warm-up (${DEFAULT-VALUE}).")
  private int rounds = 10;

  @Option(
      names = "--processes",
      paramLabel = "N",
      description = "Fresh processes, one after another (${DEFAULT-VALUE}).")
  private int processes = 5;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of one operation; without it the machine's processors.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--case",
      paramLabel = "NAME",
      description = "A case to measure; may be repeated; without it all of them.")
  private List<String> cases = new ArrayList<>();

  @Option(
      names = "--python",
      paramLabel = "COMMAND",
      description =
          "Also times this command, in turn with each process, such as \"python3 pipeline-jobs/src/peers/steps_torch.py\".")
  private String python = "";

  /** The result with the keys of {@link StepResult}, and the peer's cases if it was asked. */
  record Steps(
      int threads,
      int rounds,
      int processes,
      List<StepResult.Case> cases,
      List<PeerSteps.Case> peers)
      implements ForPeople {

    @Override
    public String text() {
      StringBuilder text =
          new StringBuilder(
              "Medians of %d processes of %d rounds, %d threads%n"
                  .formatted(processes, rounds, threads));
      for (StepResult.Case each : cases) {
        text.append(
            "%-18s interpreter %.1f ms, compiled %.1f ms, ratio %.2f, gradient difference %s, memory %.1f of %.1f MiB, %d arrays allocated%n"
                .formatted(
                    each.name(),
                    each.interpreterMs(),
                    each.compiledMs(),
                    each.ratio(),
                    each.maxGradientDifference(),
                    each.planBytes() / 1048576.0,
                    each.sumOfArraysBytes() / 1048576.0,
                    each.arraysAllocated()));
      }
      for (PeerSteps.Case each : peers) {
        text.append(
            "%-18s peer %.1f ms, %.2f times the compiled step%n"
                .formatted(each.name(), each.peerMs(), each.ratio()));
      }
      return text.toString();
    }
  }

  @Override
  protected Object run(Context context) throws IOException {
    if (processes < 1) {
      throw new IllegalArgumentException(
          "Cannot time steps: processes=%d, expected at least 1".formatted(processes));
    }
    StepBench.Settings settings = new StepBench.Settings(rounds, StepProcess.WARM_UP, threads);
    StepProcess process = new StepProcess(settings, StepBench.checked(cases));
    PeerSteps peer =
        python.isBlank() ? null : new PeerSteps(PeerProgram.of(python), settings, cases);
    List<StepResult> results = new ArrayList<>();
    for (int i = 0; i < processes; i++) {
      context.log().println("process %d of %d".formatted(i + 1, processes));
      results.add(process.measure());
      if (peer != null) {
        peer.measure(results.get(i));
      }
    }
    StepResult all = StepResult.combine(results);
    return new Steps(
        all.threads(),
        all.rounds(),
        all.processes(),
        all.cases(),
        peer == null ? List.of() : peer.found(all));
  }
}
