package org.talespark.zoo.graph;

/**
 * What a plan holds, in bytes and counts.
 *
 * @param arenaBytes the shared buffers of all intermediate arrays: the plan's peak
 * @param sumOfArraysBytes the same arrays if each had a buffer of its own
 * @param constantBytes constants and folded results
 * @param parameterBytes trainable parameters, and as much again for their gradients when training
 * @param steps operations that run
 * @param views arrays that are views of another instead of copies
 * @param inPlace operations that write into an input that nobody reads later
 * @param folded operations whose result was computed once, when the plan was made
 */
public record PlanReport(
    long arenaBytes,
    long sumOfArraysBytes,
    long constantBytes,
    long parameterBytes,
    int steps,
    int views,
    int inPlace,
    int folded) {

  /** Everything the plan allocates. */
  public long totalBytes() {
    return arenaBytes + constantBytes + parameterBytes;
  }

  @Override
  public String toString() {
    return "%d steps (%d views, %d in place, %d folded), arrays %.1f MiB in %.1f MiB, parameters %.1f MiB, constants %.1f MiB"
        .formatted(
            steps,
            views,
            inPlace,
            folded,
            mib(sumOfArraysBytes),
            mib(arenaBytes),
            mib(parameterBytes),
            mib(constantBytes));
  }

  private static double mib(long bytes) {
    return bytes / 1048576.0;
  }
}
