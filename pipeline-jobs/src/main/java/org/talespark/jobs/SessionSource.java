package org.talespark.jobs;

import java.util.Optional;
import org.apache.spark.sql.SparkSession;

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

  /** Sessions with what spark-submit and its configuration say, and nothing besides. */
  static SparkSession submitted(String name, Optional<String> master) {
    SparkSession.Builder builder = SparkSession.builder().appName(name);
    master.ifPresent(builder::master);
    return builder.getOrCreate();
  }
}
