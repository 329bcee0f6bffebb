package org.talespark.jobs.train;

/** A worker that stopped because another one had left the exchange, which tells nothing of why. */
final class WorkerLeftException extends RuntimeException {
  WorkerLeftException(String message) {
    super(message);
  }
}
