package org.talespark.jobs.train;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.jobs.exchange.Pending;
import org.talespark.zoo.train.Reducer;

/** The learner's view of the exchange; counts the time spent waiting for it. */
final class ExchangeReducer implements Reducer {
  private final Exchange exchange;
  private long nanos;

  ExchangeReducer(Exchange exchange) {
    this.exchange = exchange;
  }

  @Override
  public int rank() {
    return exchange.rank();
  }

  @Override
  public int workers() {
    return exchange.workers();
  }

  @Override
  public void sum(INDArray flat) {
    begin(flat).await();
  }

  @Override
  public Handle begin(INDArray flat) {
    Pending pending = exchange.allReduceSumAsync(flat);
    return () -> {
      long start = System.nanoTime();
      pending.await();
      nanos += System.nanoTime() - start;
    };
  }

  /** Time spent waiting for sums, so for other workers too. */
  double waitedSeconds() {
    return nanos / 1e9;
  }
}
