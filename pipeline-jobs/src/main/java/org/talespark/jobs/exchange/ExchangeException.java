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

  ExchangeException(String message, int rank) {
    super(message);
    this.rank = rank;
  }

  ExchangeException(String message, int rank, Throwable cause) {
    super(message, cause);
    this.rank = rank;
  }

  /** The same failure seen by a later call, with the first one as its cause. */
  ExchangeException again() {
    return new ExchangeException(getMessage(), rank, this);
  }

  /** The worker that was lost or waited for, or {@link #NOBODY}. */
  public int rank() {
    return rank;
  }
}
