package org.talespark.jobs.train;

import org.talespark.jobs.exchange.Exchange;
import org.talespark.zoo.train.Batch;
import org.talespark.zoo.train.Learner;
import org.talespark.zoo.train.Progress;
import org.talespark.zoo.train.Reducer;
import org.talespark.zoo.train.StepResult;

/** Synchronous data parallelism: the learner itself sums over all workers. */
final class AllReduceCoupling implements Coupling {
  private final Exchange exchange;
  private final ExchangeReducer reducer;

  AllReduceCoupling(Exchange exchange) {
    this.exchange = exchange;
    this.reducer = new ExchangeReducer(exchange);
  }

  @Override
  public Reducer reducer() {
    return reducer;
  }

  @Override
  public void begin(Learner learner) {}

  @Override
  public StepResult step(Learner learner, Batch batch, Progress progress) {
    return learner.step(batch, progress);
  }

  @Override
  public void settle(Learner learner) {}

  @Override
  public boolean exact() {
    return true;
  }

  @Override
  public double waitedSeconds() {
    return reducer.waitedSeconds();
  }

  @Override
  public long bytesSent() {
    return exchange.bytesSent();
  }

  @Override
  public void close() {}
}
