package org.talespark.jobs.bench;

import java.util.Optional;
import org.apache.spark.sql.SparkSession;

/**
 * Another way to sum arrays between two executors, for {@code bench exchange} to measure beside.
 */
@FunctionalInterface
public interface PeerExchange {

  /**
   * Sums an array between two executors, some times.
   *
   * @param spark a session with two executors
   * @param bytes size of the array
   * @return median milliseconds of a sum, or nothing where this way cannot move that much in a
   *     sensible time
   * @throws Exception when it should work and does not
   */
  Optional<Double> milliseconds(SparkSession spark, long bytes) throws Exception;

  /** No other way. */
  PeerExchange NONE = (spark, bytes) -> Optional.empty();
}
