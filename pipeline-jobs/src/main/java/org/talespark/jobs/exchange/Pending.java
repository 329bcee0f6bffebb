package org.talespark.jobs.exchange;

/** An operation under way in the background. */
public interface Pending {
  /**
   * Waits until the operation is finished. May be called more than once.
   *
   * @throws ExchangeException when it cannot be finished: a worker was lost, or nothing moved for
   *     the configured time
   */
  void await();
}
