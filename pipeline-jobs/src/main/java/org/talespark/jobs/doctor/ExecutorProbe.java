package org.talespark.jobs.doctor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.SparkSession;
import org.talespark.zoo.runtime.NativeRuntime.Settings;

/** Runs the same checks inside the executors of a cluster. */
final class ExecutorProbe implements FlatMapFunction<Iterator<Integer>, String> {

  private static final long serialVersionUID = 1L;

  /** Long enough that no executor takes the tasks of another one. */
  private static final long HOLD_MILLIS = 1500;

  private final int threads;

  private ExecutorProbe(int threads) {
    this.threads = threads;
  }

  /**
   * What one executor found.
   *
   * @param executor its id
   * @param host the machine it runs on
   * @param checks its checks
   */
  record Executor(String executor, String host, List<Check> checks) {}

  /** Asks every slot of the cluster once and returns one answer an executor. */
  static List<Executor> ask(SparkSession session, int threads) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    int slots = Math.max(1, context.defaultParallelism());
    List<Integer> tasks = IntStream.range(0, slots).boxed().toList();
    context.setJobDescription("doctor: the same checks inside the executors");
    Map<String, Executor> answers = new TreeMap<>();
    ObjectMapper mapper = new ObjectMapper();
    for (String line :
        context.parallelize(tasks, slots).mapPartitions(new ExecutorProbe(threads)).collect()) {
      try {
        Executor answer = mapper.readValue(line, Executor.class);
        answers.put(answer.executor(), answer);
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("Cannot read an executor's answer: " + line, e);
      }
    }
    return new ArrayList<>(answers.values());
  }

  @Override
  public Iterator<String> call(Iterator<Integer> tasks) throws Exception {
    List<Check> checks = new ArrayList<>(MachineChecks.all());
    checks.addAll(NativeChecks.all(Settings.threads(threads)));
    Thread.sleep(HOLD_MILLIS);
    Executor answer =
        new Executor(
            SparkEnv.get().executorId(),
            SparkEnv.get().blockManager().blockManagerId().host(),
            checks);
    return List.of(new ObjectMapper().writeValueAsString(answer)).iterator();
  }
}
