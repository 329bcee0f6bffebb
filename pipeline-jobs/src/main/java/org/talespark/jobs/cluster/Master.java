package org.talespark.jobs.cluster;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a master URL says about executors. */
sealed interface Master {
  /** Executors as processes of this machine, started by the driver. */
  record LocalCluster(int executors, int cores, int memoryMb) implements Master {
    @Override
    public String toString() {
      return "local-cluster[%d,%d,%d]".formatted(executors, cores, memoryMb);
    }
  }

  /** Everything in this JVM. */
  record Local(String url) implements Master {}

  /** A cluster that somebody else runs. */
  record Remote(String url) implements Master {}

  /** Whatever spark-submit said. */
  record Inherited() implements Master {}

  Pattern LOCAL_CLUSTER =
      Pattern.compile("local-cluster\\[\\s*(\\d{1,5})\\s*,\\s*(\\d{1,5})\\s*,\\s*(\\d{1,9})\\s*]");
  Pattern LOCAL = Pattern.compile("local(\\[[^]]+])?");

  /**
   * Reads a master URL; empty means whatever spark-submit said.
   *
   * @throws IllegalArgumentException for a {@code local...} URL that is not one of Spark's
   */
  static Master parse(Optional<String> url) {
    if (url.isEmpty()) {
      return new Inherited();
    }
    String text = url.get().strip();
    Matcher cluster = LOCAL_CLUSTER.matcher(text);
    if (cluster.matches()) {
      return new LocalCluster(
          Integer.parseInt(cluster.group(1)),
          Integer.parseInt(cluster.group(2)),
          Integer.parseInt(cluster.group(3)));
    }
    if (LOCAL.matcher(text).matches()) {
      return new Local(text);
    }
    if (text.isEmpty() || text.startsWith("local")) {
      throw new IllegalArgumentException(
          "Cannot use master: master=%s, expected local[N], local-cluster[N,CORES,MB] or a cluster's URL; try %s"
              .formatted(text, new LocalCluster(2, 1, 3000)));
    }
    return new Remote(text);
  }
}
