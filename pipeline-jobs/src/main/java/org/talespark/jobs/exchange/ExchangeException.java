package org.talespark.jobs.exchange;

/**
 * A collective operation cannot be finished. The message names the operation, the worker waited for
 * and the step.
 */
public final class ExchangeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The rank when no single worker is to blame. */
  public static final int NOBODY = -1;

  private final int rank;
  private final boolean afterGoodbye;

  ExchangeException(String message, int rank) {
    this(message, rank, null);
  }

  ExchangeException(String message, int rank, Throwable cause) {
    this(message, rank, false, cause);
  }

  private ExchangeException(String message, int rank, boolean afterGoodbye, Throwable cause) {
    super(message, cause);
    this.rank = rank;
    this.afterGoodbye = afterGoodbye;
  }

  /** The failure of a worker that another one has left. */
  static ExchangeException afterGoodbye(String message, int rank) {
    return new ExchangeException(message, rank, true, null);
  }

  /** The same failure seen by a later call, with the first one as its cause. */
  ExchangeException again() {
    return new ExchangeException(getMessage(), rank, afterGoodbye, this);
  }

  /** The worker that was lost or waited for, or {@link #NOBODY}. */
  public int rank() {
    return rank;
  }

  /** Whether another worker took its leave, so that its own task tells what went wrong first. */
  public boolean afterGoodbye() {
    return afterGoodbye;
  }
}
