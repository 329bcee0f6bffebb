package org.talespark.jobs.train;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.jobs.exchange.Exchange;
import org.talespark.zoo.train.Reducer;

/** The learner's view of the exchange; counts the time spent in it. */
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
    long start = System.nanoTime();
    exchange.allReduceSum(flat);
    nanos += System.nanoTime() - start;
  }

  /** Seconds that went into sums, waiting for others included. */
  double seconds() {
    return nanos / 1e9;
  }

  /** Share of these seconds that went into sums, waiting for others included. */
  double share(double seconds) {
    return seconds <= 0 ? 0 : nanos / 1e9 / seconds;
  }
}
