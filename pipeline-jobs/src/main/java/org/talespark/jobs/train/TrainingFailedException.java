package org.talespark.jobs.train;

/** A run that stopped for a reason that trying again would not change, or did not. */
public final class TrainingFailedException extends RuntimeException {
  TrainingFailedException(String message) {
    super(message);
  }

  TrainingFailedException(String message, Throwable cause) {
    super(message, cause);
  }
}
