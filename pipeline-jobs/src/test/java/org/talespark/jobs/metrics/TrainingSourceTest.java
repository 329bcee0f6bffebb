package org.talespark.jobs.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.cluster.Sessions;

@Timeout(60)
class TrainingSourceTest {
  private static final String MASTER = "local-cluster[1,1,1024]";

  private static SparkSession session;

  @BeforeAll
  static void start() {
    session =
        Sessions.open(
            MASTER,
            "metrics",
            Sessions.defaultConfig(MASTER)
                .withSettings(
                    Map.of(
                        "spark.metrics.conf.*.sink.jmx.class",
                        "org.apache.spark.metrics.sink.JmxSink")));
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static double jmx(String name) throws Exception {
    MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    List<ObjectName> found =
        new ArrayList<>(
            beans.queryNames(new ObjectName("metrics:name=*." + name + ",type=gauges"), null));
    assertThat(found).as(name).hasSize(1);
    return ((Number) beans.getAttribute(found.get(0), "Value")).doubleValue();
  }

  private static boolean inJmx(String name) throws Exception {
    return !ManagementFactory.getPlatformMBeanServer()
        .queryNames(new ObjectName("metrics:name=*" + name + "*,type=gauges"), null)
        .isEmpty();
  }

  @Test
  void gaugesGoThroughSparksMetricsSystemToItsSinksUntilTheyAreClosed() throws Exception {
    try (TrainingSource worker = TrainingSource.worker(3);
        TrainingSource run = TrainingSource.driver()) {
      worker.update(new StepTotals(12, 96, 0.25, 1.5, 0.5, 4));
      run.set(TrainingGauge.DONE, 0.75);
      assertThat(jmx("talespark.worker-0003.step")).isEqualTo(12);
      assertThat(jmx("talespark.worker-0003.samples")).isEqualTo(96);
      assertThat(jmx("talespark.worker-0003.loss")).isEqualTo(0.25);
      assertThat(jmx("talespark.worker-0003.queue_depth")).isEqualTo(4);
      assertThat(jmx("talespark.run.done")).isEqualTo(0.75);
      for (TrainingGauge gauge : TrainingGauge.values()) {
        assertThat(jmx("talespark.run." + gauge.id())).isFinite();
      }
    }
    assertThat(inJmx("talespark")).isFalse();
  }

  /** On an executor. */
  private static String throughJmx(BarrierTaskContext context) throws Exception {
    try (TrainingSource worker = TrainingSource.worker(context.partitionId())) {
      worker.set(TrainingGauge.SAMPLES_PER_SECOND, 32.5);
      String name = "talespark.worker-0000.samples_per_second";
      return SparkEnv.get().executorId() + " " + jmx(name) + " " + inJmx("." + name);
    }
  }

  @Test
  void executorsShowTheirsToo() {
    assertThat(BarrierStage.run(session.sparkContext(), 1, TrainingSourceTest::throughJmx))
        .containsExactly("0 32.5 true");
  }

  @Test
  void aRunAfterOneThatEndedBadlyTakesItsPlace() throws Exception {
    TrainingSource left = TrainingSource.worker(5);
    left.set(TrainingGauge.LOSS, 9);
    try (TrainingSource worker = TrainingSource.worker(5)) {
      worker.set(TrainingGauge.LOSS, 1);
      assertThat(jmx("talespark.worker-0005.loss")).isEqualTo(1);
    }
  }

  @Test
  void ratesAndSharesAreOfTheLatestSeconds() {
    AtomicLong clock = new AtomicLong(TimeUnit.HOURS.toNanos(1));
    TrainingSource source = new TrainingSource("test", clock::get);
    source.update(new StepTotals(1, 8, 1, 10, 20, 0));
    assertThat(source.value(TrainingGauge.SAMPLES_PER_SECOND)).isZero();
    clock.addAndGet(TimeUnit.SECONDS.toNanos(1));
    source.update(new StepTotals(2, 16, 1, 10.1, 20.2, 0));
    assertThat(source.value(TrainingGauge.SAMPLES_PER_SECOND)).isZero();
    clock.addAndGet(TimeUnit.SECONDS.toNanos(1));
    source.update(new StepTotals(3, 108, 1, 10.5, 20.2, 0));
    assertThat(source.value(TrainingGauge.SAMPLES_PER_SECOND)).isEqualTo(50);
    assertThat(source.value(TrainingGauge.EXCHANGE_SHARE)).isCloseTo(0.25, within(1e-9));
    assertThat(source.value(TrainingGauge.DATA_WAIT_SHARE)).isCloseTo(0.1, within(1e-9));
    clock.addAndGet(TimeUnit.SECONDS.toNanos(4));
    source.update(new StepTotals(4, 116, 1, 10.5, 20.2, 0));
    assertThat(source.value(TrainingGauge.SAMPLES_PER_SECOND)).isEqualTo(2);
    assertThat(source.value(TrainingGauge.EXCHANGE_SHARE)).isZero();
  }

  @Test
  @SuppressWarnings("try") // labels are used by closing them
  void jobsAreLabelledAndTheLabelsBeforeComeBack() throws Exception {
    JavaSparkContext java = JavaSparkContext.fromSparkContext(session.sparkContext());
    List<String> seen = new ArrayList<>();
    SparkListener listener =
        new SparkListener() {
          @Override
          public void onJobStart(SparkListenerJobStart start) {
            synchronized (seen) {
              seen.add(
                  start.properties().getProperty("spark.jobGroup.id")
                      + ": "
                      + start.properties().getProperty("spark.job.description"));
            }
          }
        };
    session.sparkContext().addSparkListener(listener);
    try (JobLabel outer = JobLabel.of(session.sparkContext(), "train", "train a model")) {
      try (JobLabel inner = JobLabel.of(session.sparkContext(), "count", "count words")) {
        assertThat(java.parallelize(List.of(1)).count()).isEqualTo(1);
      }
      assertThat(java.parallelize(List.of(1)).count()).isEqualTo(1);
    }
    assertThat(java.parallelize(List.of(1)).count()).isEqualTo(1);
    while (true) {
      synchronized (seen) {
        if (seen.size() == 3) {
          break;
        }
      }
      Thread.sleep(10);
    }
    session.sparkContext().removeSparkListener(listener);
    assertThat(seen).containsExactly("count: count words", "train: train a model", "null: null");
  }
}
