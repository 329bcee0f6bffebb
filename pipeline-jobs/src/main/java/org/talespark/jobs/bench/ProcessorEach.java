package org.talespark.jobs.bench;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkContext;
import org.talespark.jobs.cluster.BarrierStage;

/**
 * Holds the executors of an embedded cluster to a processor each, as the CPU set of a container
 * does: otherwise a single one has its compiler and collector work on the processors that another
 * would need for itself. Done by Linux' {@code taskset}; threads that start later inherit it.
 */
final class ProcessorEach implements BarrierStage.Work<Boolean> {
  private static final long serialVersionUID = 1L;
  private static final long LIMIT_SECONDS = 10;

  private ProcessorEach() {}

  /** Whether all executors are held; not where there is no {@code taskset}. */
  static boolean hold(SparkContext spark, int executors) {
    return !BarrierStage.run(spark, executors, new ProcessorEach()).contains(false);
  }

  @Override
  public Boolean run(BarrierTaskContext context) throws InterruptedException {
    String processor = Integer.toString(context.partitionId());
    String self = Long.toString(ProcessHandle.current().pid());
    try {
      Process process =
          new ProcessBuilder(List.of("taskset", "-a", "-c", "-p", processor, self))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      boolean ended = process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
      process.destroyForcibly();
      return ended && process.exitValue() == 0;
    } catch (IOException e) { // another system
      return false;
    }
  }
}
