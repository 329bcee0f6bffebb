package org.talespark.jobs.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.cluster.ClusterConfig;
import org.talespark.jobs.cluster.Sessions;

/** The root in a driver, workers in executors that are processes of their own. */
@Tag("slow")
@Timeout(120)
class SharingClusterTest {
  private static final int ELEMENTS = 100_000;
  private static final int STEPS = 10;

  private static SparkSession session;

  @BeforeAll
  static void start() {
    session =
        Sessions.open(
            "local-cluster[2,1,1024]",
            "gradient sharing",
            new ClusterConfig(512, 512, 60, Map.of()));
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  @Test
  void executorsShareUpdatesInAttemptAfterAttempt() {
    SharingConfig config = Loopback.config(2, 20).withMaxUpdatesBehind(0);
    int port = config.port(); // settings do not travel, their YAML does
    for (int attempt = 0; attempt < 2; attempt++) {
      try (ParameterServerRoot root = root(config)) {
        Rendezvous rendezvous = root.rendezvous();
        List<String> results =
            BarrierStage.run(
                session.sparkContext(), 2, context -> train(port, rendezvous, context, STEPS));
        assertThat(results).containsExactly("first 10.0, last 7.5", "first 10.0, last 7.5");
        assertThat(root.refused()).isZero();
      }
    }
  }

  @Test
  void aTaskThatDoesNotComeFarEnoughIsNamedByTheOther() {
    SharingConfig config = Loopback.config(2, 20).withMaxUpdatesBehind(0);
    int port = config.port();
    try (ParameterServerRoot root = root(config)) {
      Rendezvous rendezvous = root.rendezvous();
      assertThatThrownBy(
              () ->
                  BarrierStage.run(
                      session.sparkContext(),
                      2,
                      context -> train(port, rendezvous, context, STEPS + context.partitionId())))
          .hasStackTraceContaining("worker 0 has left, its last step is 9, expected step 10");
    }
  }

  private static ParameterServerRoot root(SharingConfig config) {
    return ParameterServerRoot.start(config, SparkEnv.get().conf().get("spark.driver.host"), 2);
  }

  private static String train(
      int port, Rendezvous rendezvous, BarrierTaskContext context, int steps) {
    SharingConfig config =
        SharingConfig.defaults().withFixedThreshold(0.5).withMaxUpdatesBehind(0).withPort(port, 20);
    int rank = context.partitionId();
    String host = SparkEnv.get().blockManager().blockManagerId().host();
    try (SharedUpdates updates = SharedUpdates.join(config, rendezvous, rank, host, ELEMENTS)) {
      INDArray parameters = Nd4j.zeros(DataType.FLOAT, ELEMENTS);
      INDArray update = Nd4j.zeros(DataType.FLOAT, ELEMENTS);
      for (int step = 0; step < steps; step++) {
        update.assign(rank == 0 ? 0.25 : 0.5); // every second step, and every step
        update.putScalar(0, 0.5);
        updates.share(update, step);
        parameters.addi(update);
      }
      updates.drain(update);
      parameters.addi(update);
      return "first %s, last %s"
          .formatted(parameters.getDouble(0), parameters.getDouble(ELEMENTS - 1));
    }
  }
}
