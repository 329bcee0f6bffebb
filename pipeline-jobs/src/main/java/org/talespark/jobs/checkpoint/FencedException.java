package org.talespark.jobs.checkpoint;

/** A run, or an attempt of one, that may not write any more, because another one does. */
public final class FencedException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  FencedException(String message) {
    super(message);
  }
}
