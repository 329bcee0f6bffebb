package org.talespark.jobs.train;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.sharing.Rendezvous;
import org.talespark.jobs.sharing.SharedUpdates;
import org.talespark.jobs.sharing.SharingConfig;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.StepResult;

/**
 * Sharing of sparse updates: each worker makes a step of its own, takes it back, and makes instead
 * the sparse part of it together with the others' sparse parts that have arrived. What of its step
 * was not sent stays in its residual. The optimizer's state is each worker's own.
 */
final class SharingCoupling implements Coupling {
  private final Exchange exchange;
  private final SharingConfig config;
  private final Rendezvous rendezvous;
  private final String host;
  private final Reducer reducer;
  private SharedUpdates updates;
  private INDArray before;
  private INDArray update;
  private long nanos;

  SharingCoupling(Exchange exchange, SharingConfig config, Rendezvous rendezvous, String host) {
    this.exchange = exchange;
    this.config = config;
    this.rendezvous = rendezvous;
    this.host = host;
    this.reducer = Reducer.apart(exchange.rank(), exchange.workers());
  }

  @Override
  public Reducer reducer() {
    return reducer;
  }

  @Override
  public void begin(Learner learner) {
    if (!learner.statistics().isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot train: train.strategy=gradient-sharing shares what gradients move, and this task keeps running statistics besides (task.model.quantizer.learning=ema); use learning=gradient, or another strategy");
    }
    long length = 0;
    for (INDArray flat : learner.parameters()) {
      if (flat.dataType() != DataType.FLOAT) {
        throw new IllegalArgumentException(
            "Cannot train: train.strategy=gradient-sharing train.precision=%s, expected float32"
                .formatted(flat.dataType()));
      }
      length += flat.length();
    }
    before = Nd4j.create(DataType.FLOAT, length);
    update = Nd4j.create(DataType.FLOAT, length);
    updates = SharedUpdates.join(config, rendezvous, exchange.rank(), host, length);
  }

  @Override
  public StepResult step(Learner learner, Batch batch, Progress progress) {
    read(learner, before);
    StepResult result = learner.step(batch, progress);
    read(learner, update);
    update.subi(before).divi(exchange.workers());
    long start = System.nanoTime();
    updates.share(update, progress.step());
    nanos += System.nanoTime() - start;
    write(learner, before.addi(update));
    learner.merged(1);
    return result;
  }

  /** Applies what is under way, then takes the mean: replicas differ by the order of additions. */
  @Override
  public void settle(Learner learner) {
    updates.drain(update);
    read(learner, before);
    before.addi(update);
    if (!exact()) {
      exchange.allReduceSum(before);
      before.divi(exchange.workers());
    }
    write(learner, before);
  }

  private static void read(Learner learner, INDArray into) {
    long from = 0;
    for (INDArray flat : learner.parameters()) {
      into.get(NDArrayIndex.interval(from, from + flat.length())).assign(flat);
      from += flat.length();
    }
  }

  private static void write(Learner learner, INDArray values) {
    long from = 0;
    for (INDArray flat : learner.parameters()) {
      flat.assign(values.get(NDArrayIndex.interval(from, from + flat.length())));
      from += flat.length();
    }
  }

  /** Never, since every worker has an optimizer of its own. */
  @Override
  public boolean exact() {
    return false;
  }

  @Override
  public double waitedSeconds() {
    return nanos / 1e9;
  }

  @Override
  public long bytesSent() {
    return exchange.bytesSent() + (updates == null ? 0 : updates.bytesSent());
  }

  @Override
  public void close() {
    if (updates != null) {
      updates.close();
    }
  }
}
