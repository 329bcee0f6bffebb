package org.talespark.jobs.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.sql.SparkSession;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.sharing.DenseExchange;
import org.talespark.jobs.sharing.ParameterServerRoot;
import org.talespark.jobs.sharing.Rendezvous;
import org.talespark.jobs.sharing.SharingConfig;
import org.talespark.zoo.runtime.NativeRuntime;

/** Whole arrays swapped between two executors through DL4J's parameter server. */
final class ParameterServerPeer implements PeerExchange {
  private static final int WORKERS = 2;
  private static final int ROUNDS = 3;
  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** Milliseconds of each round; empty when one did not finish. */
  private record Swaps(Rendezvous rendezvous, long bytes)
      implements BarrierStage.Work<ArrayList<Double>> {

    @Override
    public ArrayList<Double> run(BarrierTaskContext context) {
      NativeRuntime.initialize(NativeRuntime.Settings.threads(context.cpus()));
      String host = SparkEnv.get().blockManager().blockManagerId().host();
      ArrayList<Double> times = new ArrayList<>();
      try (DenseExchange exchange =
          DenseExchange.join(SharingConfig.defaults(), rendezvous, context.partitionId(), host)) {
        for (int round = 0; round <= ROUNDS; round++) {
          Optional<Duration> time = exchange.time(bytes, LIMIT);
          if (time.isEmpty()) {
            return new ArrayList<>();
          }
          if (round > 0) { // the first one loads classes
            times.add(time.get().toNanos() / 1e6);
          }
          context.barrier();
        }
      }
      return times;
    }
  }

  @Override
  public Optional<Double> milliseconds(SparkSession spark, long bytes) {
    NativeRuntime.initialize(NativeRuntime.Settings.threads(1));
    String host = spark.sparkContext().getConf().get("spark.driver.host");
    List<List<Double>> measured = new ArrayList<>();
    try (ParameterServerRoot root =
        ParameterServerRoot.start(SharingConfig.defaults(), host, WORKERS)) {
      measured.addAll(
          BarrierStage.run(spark.sparkContext(), WORKERS, new Swaps(root.rendezvous(), bytes)));
    } catch (Exception e) { // Spark throws its checked exception undeclared
      if (e instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      return Optional.empty(); // one worker gave up, so the other was ended
    }
    return measured.stream().anyMatch(List::isEmpty)
        ? Optional.empty()
        : Optional.of(BenchExchangeCommand.median(measured));
  }
}
