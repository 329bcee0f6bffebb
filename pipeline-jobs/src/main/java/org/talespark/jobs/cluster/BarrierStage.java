package org.talespark.jobs.cluster;

import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import scala.collection.Iterator;
import scala.collection.Iterator$;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/**
 * Runs tasks that need each other: Spark starts all of them at once, and when one fails, fails all.
 */
public final class BarrierStage {
  /** What one task does. */
  @FunctionalInterface
  public interface Work<T extends Serializable> extends Serializable {
    /** Runs on an executor; the task's number is the context's partition id. */
    T run(BarrierTaskContext context) throws Exception;
  }

  private BarrierStage() {}

  /**
   * Runs the work in as many tasks and returns their results by number. Throws Spark's exception,
   * undeclared, when a task fails or when there are fewer slots than tasks.
   */
  public static <T extends Serializable> List<T> run(SparkContext spark, int tasks, Work<T> work) {
    if (tasks < 1) {
      throw new IllegalArgumentException(
          "Cannot run a barrier stage: tasks=" + tasks + ", expected at least 1");
    }
    JavaSparkContext java = JavaSparkContext.fromSparkContext(spark);
    RDD<Integer> numbers =
        java.parallelize(IntStream.range(0, tasks).boxed().toList(), tasks).rdd();
    ClassTag<T> tag = ClassTag$.MODULE$.apply(Serializable.class);
    return numbers.barrier().mapPartitions(new Task<>(work), false, tag).toJavaRDD().collect();
  }

  private static final class Task<T extends Serializable>
      extends AbstractFunction1<Iterator<Integer>, Iterator<T>> implements Serializable {
    private static final long serialVersionUID = 1L;

    private final Work<T> work;

    Task(Work<T> work) {
      this.work = work;
    }

    @Override
    public Iterator<T> apply(Iterator<Integer> numbers) {
      try {
        return Iterator$.MODULE$.single(work.run(BarrierTaskContext.get()));
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException("Cannot finish task: " + e.getMessage(), e);
      }
    }
  }
}
