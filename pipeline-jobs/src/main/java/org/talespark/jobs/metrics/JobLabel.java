package org.talespark.jobs.metrics;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.SparkContext;

/**
 * Names the Spark jobs that this thread starts until it is closed, as Spark's user interface shows
 * them: a group, by which they can be cancelled, and a description. Closing brings back what was
 * there before.
 */
public final class JobLabel implements AutoCloseable {
  private static final String GROUP = "spark.jobGroup.id";
  private static final String DESCRIPTION = "spark.job.description";
  private static final String INTERRUPT = "spark.job.interruptOnCancel";

  private final SparkContext spark;
  private final Map<String, String> before = new LinkedHashMap<>();

  private JobLabel(SparkContext spark) {
    this.spark = spark;
    for (String key : new String[] {GROUP, DESCRIPTION, INTERRUPT}) {
      before.put(key, spark.getLocalProperty(key));
    }
  }

  /** Labels the jobs that follow; cancelling the group interrupts their tasks. */
  public static JobLabel of(SparkContext spark, String group, String description) {
    JobLabel label = new JobLabel(spark);
    spark.setJobGroup(group, description, true);
    return label;
  }

  @Override
  public void close() {
    before.forEach(spark::setLocalProperty);
  }
}
