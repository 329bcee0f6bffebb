package org.talespark.jobs.cluster;

import java.util.Map;

/**
 * What executors get.
 *
 * @param executorHeapMb Java heap of an executor, in MiB
 * @param executorOffHeapMb limit for ND4J's arrays of an executor, in MiB
 * @param barrierTimeoutSeconds how long a task waits for the others of its barrier stage (Spark's
 *     own default is a year)
 * @param settings further Spark settings; they win over the defaults made here
 */
public record ClusterConfig(
    int executorHeapMb,
    int executorOffHeapMb,
    int barrierTimeoutSeconds,
    Map<String, String> settings) {
  private static final int MIN_HEAP_MB = 512;
  private static final int MIN_OFF_HEAP_MB = 64;
  private static final int MAX_HEAP_MB = 2048;
  private static final int HEAP_DIVISOR = 4;

  /** Checks every setting. */
  public ClusterConfig {
    check("executor_heap_mb", executorHeapMb, MIN_HEAP_MB);
    check("executor_off_heap_mb", executorOffHeapMb, MIN_OFF_HEAP_MB);
    check("barrier_timeout_seconds", barrierTimeoutSeconds, 1);
    settings = Map.copyOf(settings);
    for (String key : settings.keySet()) {
      if (!key.startsWith("spark.")) {
        throw new IllegalArgumentException(
            "Cannot use cluster setting: cluster.settings.%s, expected a key that starts with 'spark.'"
                .formatted(key));
      }
    }
  }

  /**
   * Divides an executor's memory between heap and arrays: a quarter, but 512 MiB to 2 GiB, and the
   * rest; waits of ten minutes.
   */
  public static ClusterConfig ofMemory(int executorMb) {
    int heap = Math.min(MAX_HEAP_MB, Math.max(MIN_HEAP_MB, executorMb / HEAP_DIVISOR));
    return new ClusterConfig(heap, Math.max(MIN_OFF_HEAP_MB, executorMb - heap), 600, Map.of());
  }

  /** The same with further Spark settings in place of the present ones. */
  public ClusterConfig withSettings(Map<String, String> newSettings) {
    return new ClusterConfig(executorHeapMb, executorOffHeapMb, barrierTimeoutSeconds, newSettings);
  }

  private static void check(String key, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "Cannot use cluster setting: cluster.%s=%d, expected at least %d"
              .formatted(key, value, least));
    }
  }
}
