package org.talespark.jobs.train;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.data.BadInputException;
import org.talespark.jobs.cluster.BarrierStage;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.exchange.ExchangeConfig;
import org.talespark.jobs.exchange.RingExchange;
import org.talespark.zoo.runtime.Allocator;
import org.talespark.zoo.runtime.NativeRuntime;
import org.talespark.zoo.train.NonFiniteException;

/**
 * What a task of the barrier stage does: sets up the native runtime with the task's cores, connects
 * to the others and runs a worker. Answers one line of JSON: the summary, or the message of a
 * failure that would only come again if the stage were tried again.
 */
final class WorkerTask implements BarrierStage.Work<String> {
  private static final long serialVersionUID = 1;

  static final String FAILED = "failed: ";
  static final String BAD_INPUT = "bad input: ";

  /** Whether a task's answer is no summary. */
  static boolean failed(String answer) {
    return answer.startsWith(FAILED) || answer.startsWith(BAD_INPUT);
  }

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
    NativeRuntime.initialize(NativeRuntime.Settings.threads(context.cpus()));
    Allocator.keepFreedMemory();
    TrainConfig config =
        ConfigTree.builder().yaml("the run", configYaml).build().bind(TrainConfig.class);
    Configuration conf = hadoop.value().value();
    ExchangeConfig exchangeConfig =
        ExchangeConfig.defaults().withTimeoutSeconds(config.train().exchangeTimeoutSeconds());
    try (Exchange exchange = RingExchange.connect(context, SparkEnv.get().conf(), exchangeConfig)) {
      return LearnerFiles.JSON.writeValueAsString(
          new Worker(config, options, conf, exchange).run());
    } catch (NonFiniteException e) {
      return FAILED + e.getMessage();
    } catch (BadInputException e) {
      return BAD_INPUT + e.getMessage();
    }
  }
}
