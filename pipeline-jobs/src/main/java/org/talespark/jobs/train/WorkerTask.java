package org.talespark.jobs.train;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.exchange.ExchangeConfig;
import org.talespark.jobs.exchange.RingExchange;

/**
 * What a task of the barrier stage does: sets up the native runtime with the task's cores, connects
 * to the others and runs a worker. Answers one line of JSON ({@link Answer}).
 */
final class WorkerTask implements BarrierStage.Work<String> {
  private static final long serialVersionUID = 1;

  private final String configYaml;
  private final RunOptions options;
  private final Broadcast<SerializableConfiguration> hadoop;

  WorkerTask(String configYaml, RunOptions options, Broadcast<SerializableConfiguration> hadoop) {
    this.configYaml = configYaml;
    this.options = options;
    this.hadoop = hadoop;
  }

  @Override
  public String run(BarrierTaskContext context) throws Exception {
    TrainConfig config = TrainConfig.onExecutor(configYaml, context.cpus());
    Configuration conf = hadoop.value().value();
    ExchangeConfig exchangeConfig =
        ExchangeConfig.defaults().withTimeoutSeconds(config.train().exchangeTimeoutSeconds());
    return Answer.of(
        () -> {
          try (Exchange exchange =
              RingExchange.connect(context, SparkEnv.get().conf(), exchangeConfig)) {
            return new Worker(config, options, conf, exchange).run();
          }
        });
  }
}
