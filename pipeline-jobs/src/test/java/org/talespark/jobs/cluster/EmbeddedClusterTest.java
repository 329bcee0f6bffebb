package org.talespark.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.exchange.ExchangeConfig;
import org.talespark.jobs.exchange.RingExchange;

/** Two executors in processes of their own exchange arrays over authenticated connections. */
@Timeout(120)
class EmbeddedClusterTest {
  private static final String MASTER = "local-cluster[2,1,1024]";
  private static final int ELEMENTS = 1 << 20; // 4 MB

  private static SparkSession session;

  @BeforeAll
  static void start() {
    Map<String, String> settings =
        Map.of("spark.authenticate", "true", "spark.network.crypto.enabled", "true");
    ClusterConfig config = new ClusterConfig(512, 512, 60, settings);
    session = Sessions.open(MASTER, "embedded cluster", config);
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  @Test
  void theTasksOfABarrierStageSumTheirArrays() {
    List<String> results = BarrierStage.run(session.sparkContext(), 2, EmbeddedClusterTest::sum);
    assertThat(results).hasSize(2);
    assertThat(results.get(0)).startsWith("rank 0 of 2: 3.0 to 3.0, gathered 1 2, process ");
    assertThat(results.get(1)).startsWith("rank 1 of 2: 3.0 to 3.0, gathered 1 2, process ");
    assertThat(results).extracting(r -> r.replaceAll(".*process ", "")).doesNotHaveDuplicates();
  }

  private static String sum(BarrierTaskContext context) {
    try (Exchange exchange =
        RingExchange.connect(
            BarrierTaskContext.get(),
            SparkEnv.get().conf(),
            ExchangeConfig.defaults().withTimeoutSeconds(30))) {
      INDArray array =
          Nd4j.valueArrayOf(new long[] {ELEMENTS}, 1.0 + exchange.rank(), DataType.FLOAT);
      exchange.allReduceSum(array);
      List<byte[]> lengths = exchange.allGather(new byte[1 + exchange.rank()]);
      exchange.barrier("end");
      return "rank %d of %d: %s to %s, gathered %d %d, process %d"
          .formatted(
              exchange.rank(),
              exchange.workers(),
              array.minNumber().floatValue(),
              array.maxNumber().floatValue(),
              lengths.get(0).length,
              lengths.get(1).length,
              ProcessHandle.current().pid());
    }
  }
}
