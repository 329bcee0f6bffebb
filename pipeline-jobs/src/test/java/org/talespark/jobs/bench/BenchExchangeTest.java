package org.talespark.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.talespark.jobs.bench.BenchExchangeTask.Way;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.cluster.ClusterConfig;
import org.talespark.jobs.cluster.Sessions;

@Timeout(180)
class BenchExchangeTest {
  private static SparkSession session;

  @BeforeAll
  static void start() {
    ClusterConfig config = new ClusterConfig(512, 512, 60, Map.of());
    session = Sessions.open("local-cluster[2,1,1024]", "bench exchange", config);
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  @Test
  void everyWayIsTimedAtEverySizeByBothWorkers() {
    BenchExchangeTask task = new BenchExchangeTask(List.of(4000L, 400_000L), 2, "0123456789abcdef");
    List<BenchExchangeTask.Samples> measured = BarrierStage.run(session.sparkContext(), 2, task);
    assertThat(measured).hasSize(2);
    for (BenchExchangeTask.Samples samples : measured) {
      assertThat(samples.times()).hasSize(2 * Way.values().length);
      assertThat(samples.times())
          .allSatisfy(
              times ->
                  assertThat(times.milliseconds())
                      .hasSize(2)
                      .allSatisfy(ms -> assertThat(ms).isPositive()));
    }
  }

  @Test
  void stepsAreTimedAloneAndTogetherWithTheExchange() {
    List<BenchExchangeOverlap.Samples> measured =
        BarrierStage.run(session.sparkContext(), 2, new BenchExchangeOverlap(8, 600, 2, 2));
    for (BenchExchangeOverlap.Samples samples : measured) {
      assertThat(samples.gradientBytes()).isGreaterThanOrEqualTo(2 * 600 * 600 * 4);
      assertThat(samples.overlapped()).hasSize(2);
    }
  }

  @Test
  void theSlowerWorkerOfARoundCountsAndTheMedianOfThoseIsTheFigure() {
    assertThat(BenchExchangeCommand.median(List.of(List.of(1.0, 5.0, 3.0), List.of(2.0, 1.0, 9.0))))
        .isEqualTo(5, within(0.0));
    assertThat(BenchExchangeCommand.median(List.of(List.of(1.0, 2.0)))).isEqualTo(1.5);
  }
}
