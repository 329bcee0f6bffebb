package org.talespark.jobs.sharing;

/** Updates cannot be shared any more. The message names the worker waited for and the step. */
public final class SharingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The rank when no single worker is to blame. */
  public static final int NOBODY = -1;

  private final int rank;

  SharingException(String message, int rank) {
    super(message);
    this.rank = rank;
  }

  SharingException(String message, int rank, Throwable cause) {
    super(message, cause);
    this.rank = rank;
  }

  /** The worker that is missing, lost or waited for, or {@link #NOBODY}. */
  public int rank() {
    return rank;
  }
}
