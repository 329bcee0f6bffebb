package org.talespark.jobs;

import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.talespark.jobs.cluster.ClusterConfig;
import org.talespark.jobs.cluster.Sessions;

/** Where a command gets its Spark session. */
@FunctionalInterface
public interface SessionSource {

  /**
   * Opens a session; the caller closes it.
   *
   * @param name the application's name in Spark's page
   * @param master the master to use, or empty for the one that spark-submit was given
   */
  SparkSession open(String name, Optional<String> master);

  /** Sessions with what training needs on top of what spark-submit and its configuration say. */
  static SparkSession ours(String name, Optional<String> master) {
    Optional<String> target =
        master.or(() -> Optional.ofNullable(System.getProperty("spark.master")));
    ClusterConfig config =
        target.map(Sessions::defaultConfig).orElseGet(() -> ClusterConfig.ofMemory(4096));
    return Sessions.open(target, name, config);
  }
}
