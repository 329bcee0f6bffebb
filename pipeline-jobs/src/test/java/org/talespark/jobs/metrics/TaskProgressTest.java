package org.talespark.jobs.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.LongAccumulator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.talespark.jobs.Progress;
import org.talespark.jobs.cluster.Sessions;

@Timeout(60)
class TaskProgressTest {
  private static final String MASTER = "local[1]";

  @Test
  void whatTasksThatEndedHaveCountedIsKept() throws Exception {
    ByteArrayOutputStream told = new ByteArrayOutputStream();
    try (SparkSession spark = Sessions.open(MASTER, "progress", Sessions.defaultConfig(MASTER))) {
      JavaSparkContext context = new JavaSparkContext(spark.sparkContext());
      Progress progress = Progress.of(new PrintStream(told, true, UTF_8), "draw", "images", 0, 12);
      try (TaskProgress tasks = new TaskProgress(spark.sparkContext(), progress, 12)) {
        LongAccumulator counter = tasks.counter();
        context.parallelize(List.of(1, 2, 3), 3).foreach(task -> counter.add(4));
        spark.sparkContext().listenerBus().waitUntilEmpty();
        assertThat(told.toString(UTF_8)).contains("draw 12/12 100%");
      }
    }
  }
}
