package org.talespark.jobs.doctor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.talespark.jobs.Context;
import org.talespark.jobs.FailedChecksException;
import org.talespark.jobs.ForPeople;
import org.talespark.jobs.JobCommand;
import org.talespark.zoo.runtime.NativeRuntime.Settings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code doctor}: looks at everything that training and inference will need. */
@Command(
    name = "doctor",
    description = "Checks the machine, the cluster, the native libraries and permissions.")
public final class DoctorCommand extends JobCommand {

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "A local directory that jobs will write to.")
  private Path out;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of one operation; without it those of one Spark task.")
  private Integer threads;

  @Option(names = "--no-cluster", description = "Look at this process only and start no Spark.")
  private boolean noCluster;

  /**
   * What was found.
   *
   * @param master the Spark master, empty when none was asked
   * @param driver checks of this process
   * @param executors checks of each executor; none on a master that runs tasks in the driver
   */
  record Findings(String master, List<Check> driver, List<ExecutorProbe.Executor> executors)
      implements ForPeople {

    @Override
    public String text() {
      StringBuilder text = new StringBuilder("This process\n");
      driver.forEach(check -> text.append(check.line()));
      for (ExecutorProbe.Executor executor : executors) {
        text.append("Executor %s on %s%n".formatted(executor.executor(), executor.host()));
        executor.checks().forEach(check -> text.append(check.line()));
      }
      return text.toString();
    }

    List<Check> failed() {
      return Stream.concat(
              driver.stream(), executors.stream().flatMap(executor -> executor.checks().stream()))
          .filter(Check::failed)
          .toList();
    }
  }

  @Override
  protected Object run(Context context) {
    String master = context.master().orElse("");
    List<Check> driver = new ArrayList<>();
    driver.add(Check.ok("master", master.isEmpty() ? "none given" : master));
    driver.add(MachineChecks.sparkHome(master));
    driver.addAll(MachineChecks.all());
    if (out != null) {
      driver.add(MachineChecks.writable("output_directory", out, "choose another --out"));
    }
    int taskThreads =
        threads != null ? threads : Integer.parseInt(System.getProperty("spark.task.cpus", "1"));
    driver.addAll(NativeChecks.all(Settings.threads(taskThreads)));
    List<ExecutorProbe.Executor> executors = List.of();
    boolean healthy = driver.stream().noneMatch(Check::failed);
    if (!noCluster && !master.isEmpty() && !master.matches("local(\\[.*])?") && healthy) {
      executors = executors(context, driver, taskThreads);
    }
    return verdict(new Findings(master, driver, executors));
  }

  private static List<ExecutorProbe.Executor> executors(
      Context context, List<Check> driver, int threads) {
    try {
      SparkSession session = context.spark();
      List<ExecutorProbe.Executor> executors = ExecutorProbe.ask(session, threads);
      driver.add(Check.ok("cluster", "%d executors answered".formatted(executors.size())));
      return executors;
    } catch (RuntimeException e) {
      driver.add(
          Check.failed(
              "cluster",
              String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
              "look at the master's address and log; --verbose shows the whole error"));
      return List.of();
    }
  }

  private static Findings verdict(Findings findings) {
    List<Check> failed = findings.failed();
    if (!failed.isEmpty()) {
      throw new FailedChecksException(
          "Cannot work here: %s"
              .formatted(
                  String.join(
                      "; ",
                      failed.stream()
                          .map(c -> "%s (%s), try: %s".formatted(c.name(), c.found(), c.remedy()))
                          .distinct()
                          .toList())),
          findings);
    }
    return findings;
  }
}
