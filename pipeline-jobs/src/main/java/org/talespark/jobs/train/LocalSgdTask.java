package org.talespark.jobs.train;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.checkpoint.CheckpointStore;

/**
 * What the tasks of a {@code local-sgd} run do, each a pure function of the states in its
 * partition: Spark may run it again, elsewhere, and gets the same.
 *
 * @param run a name for the executors' learners, of its own for every run
 */
record LocalSgdTask(
    String run, String configYaml, RunOptions options, Broadcast<SerializableConfiguration> hadoop)
    implements Serializable {

  /** The work of one task on a learner. */
  @FunctionalInterface
  private interface Work<T> {
    T on(Replica replica) throws Exception;
  }

  /** What an evaluation of one replica gives. */
  @SuppressWarnings("ArrayRecordComponent")
  record Evaluated(EvaluationPart part, byte[] pictures) implements Serializable {}

  /**
   * The state of a replica before the first step. Without a checkpoint it is that of a learner just
   * made, not of one that has been trained.
   *
   * @param checkpoint the step of the checkpoint to begin with, or negative for none
   */
  ReplicaState begin(int rank, long checkpoint) {
    Configuration conf = hadoop.value().value();
    return with(
        checkpoint < 0 ? make() : pooled(),
        replica -> {
          Checkpoint from = checkpoint < 0 ? null : checkpoints().of(checkpoint);
          return replica.begin(rank, from, options.base(), conf);
        });
  }

  ReplicaState round(ReplicaState before, Broadcast<DeltaMean> mean, Round round) {
    return with(replica -> replica.round(before, mean == null ? null : mean.value(), round));
  }

  ReplicaState merge(ReplicaState before, Broadcast<DeltaMean> mean) {
    return with(replica -> replica.merge(before, mean.value()));
  }

  Evaluated evaluate(ReplicaState merged) {
    return with(
        replica ->
            new Evaluated(
                replica.evaluate(merged),
                merged.rank() == 0 ? replica.pictures(merged) : new byte[0]));
  }

  /** Writes and commits a checkpoint of the states of all replicas, in the order of ranks. */
  boolean commit(Iterator<ReplicaState> merged, Position at) {
    return with(
        replica -> {
          ReplicaState first = merged.next();
          checkpoints().write(at.step(), replica.files(first, merged, at, options));
          return true;
        });
  }

  private CheckpointStore checkpoints() throws IOException {
    return new RunDirectory(options.out(), hadoop.value().value()).checkpoints(options.attempt());
  }

  private <T> T with(Work<T> work) {
    return with(pooled(), work);
  }

  private Replica pooled() {
    return ReplicaPool.take(run).orElseGet(this::make);
  }

  private Replica make() {
    TrainConfig config = TrainConfig.onExecutor(configYaml, TaskContext.get().cpus());
    return new Replica(config, options, hadoop.value().value());
  }

  private <T> T with(Replica replica, Work<T> work) {
    try {
      T result = work.on(replica);
      ReplicaPool.giveBack(run, replica);
      return result;
    } catch (Exception e) {
      replica.close();
      if (e instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      if (e instanceof IOException io) {
        throw new UncheckedIOException("Cannot finish task: " + e.getMessage(), io);
      }
      throw new IllegalStateException("Cannot finish task: " + e.getMessage(), e);
    }
  }
}
