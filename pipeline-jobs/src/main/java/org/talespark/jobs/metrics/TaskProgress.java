package org.talespark.jobs.metrics;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.util.LongAccumulator;
import org.talespark.jobs.Progress;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Tells the progress of tasks that count what they have done, also of those that still run:
 * executors report their counts every few seconds. Listens until it is closed.
 */
public final class TaskProgress extends SparkListener implements AutoCloseable {
  private final SparkContext spark;
  private final LongAccumulator counter;
  private final Progress progress;
  private final long total;
  private final Map<Long, Long> running = new HashMap<>(); // by task
  private final Set<Long> ended = new HashSet<>();
  private long done;

  /**
   * Listens from now on; {@code total} is what all tasks will have counted, 0 when nobody knows.
   */
  public TaskProgress(SparkContext spark, Progress progress, long total) {
    this.spark = spark;
    // without a name Spark does not tell what a task counted when the task ends
    this.counter = spark.longAccumulator("progress");
    this.progress = progress;
    this.total = total;
    spark.addSparkListener(this);
  }

  /** What tasks add to, one for each that is done. */
  public LongAccumulator counter() {
    return counter;
  }

  @Override
  public synchronized void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
    JavaConverters.seqAsJavaList(update.accumUpdates())
        .forEach(
            task -> {
              if (!ended.contains((Long) task._1())) {
                running.put((Long) task._1(), counted(JavaConverters.seqAsJavaList(task._4())));
              }
            });
    tell();
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    running.remove(end.taskInfo().taskId());
    ended.add(end.taskInfo().taskId());
    if (end.taskInfo().successful()) {
      Seq<AccumulableInfo> counts = end.taskInfo().accumulables().toSeq();
      done += counted(JavaConverters.seqAsJavaList(counts));
    }
    tell();
  }

  private long counted(List<AccumulableInfo> infos) {
    return infos.stream()
        .filter(info -> info.id() == counter.id() && info.update().isDefined())
        .mapToLong(info -> (Long) info.update().get())
        .sum();
  }

  private void tell() {
    long made = done + running.values().stream().mapToLong(Long::longValue).sum();
    if (made > 0) {
      progress.at(total == 0 ? made : Math.min(made, total), "");
    }
  }

  /** Tells the last time, of all that ended, since events arrive late. */
  @Override
  public synchronized void close() {
    spark.removeSparkListener(this);
    running.clear();
    done = counter.value();
    tell();
  }
}
