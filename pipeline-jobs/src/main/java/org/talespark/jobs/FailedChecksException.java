package org.talespark.jobs;

/** A command did its work and the outcome is a failure; its result is printed all the same. */
public final class FailedChecksException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Object result;

  public FailedChecksException(String message, Object result) {
    super(message);
    this.result = result;
  }

  /** What was found. */
  Object result() {
    return result;
  }
}
