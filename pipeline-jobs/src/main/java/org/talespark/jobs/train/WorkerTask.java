package org.talespark.jobs.train;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.exchange.RingExchange;
import org.talespark.jobs.sharing.Rendezvous;

/**
 * What a task of the barrier stage does: sets up the native runtime with the task's cores, connects
 * to the others and runs a worker. Answers one line of JSON ({@link Answer}).
 */
final class WorkerTask implements BarrierStage.Work<String> {
  private static final long serialVersionUID = 1;

  private final String configYaml;
  private final RunOptions options;
  private final Broadcast<SerializableConfiguration> hadoop;
  private final Rendezvous rendezvous;

  /**
   * A task of a run.
   *
   * @param rendezvous where the workers of {@code gradient-sharing} meet, else null
   */
  WorkerTask(
      String configYaml,
      RunOptions options,
      Broadcast<SerializableConfiguration> hadoop,
      Rendezvous rendezvous) {
    this.configYaml = configYaml;
    this.options = options;
    this.hadoop = hadoop;
    this.rendezvous = rendezvous;
  }

  @Override
  public String run(BarrierTaskContext context) throws Exception {
    TrainConfig config = TrainConfig.onExecutor(configYaml, context.cpus());
    Configuration conf = hadoop.value().value();
    return Answer.of(
        () -> {
          try (Exchange exchange =
                  RingExchange.connect(context, SparkEnv.get().conf(), config.exchange());
              Coupling coupling = coupling(config, exchange)) {
            return new Worker(config, options, conf, exchange, coupling).run();
          }
        });
  }

  private Coupling coupling(TrainConfig config, Exchange exchange) {
    if (rendezvous == null) {
      return new AllReduceCoupling(exchange);
    }
    String host = SparkEnv.get().blockManager().blockManagerId().host();
    return new SharingCoupling(exchange, config.gradientSharing(), rendezvous, host);
  }
}
