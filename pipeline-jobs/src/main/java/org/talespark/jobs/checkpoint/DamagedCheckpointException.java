package org.talespark.jobs.checkpoint;

import java.io.IOException;

/**
 * A checkpoint that was never committed, or whose bytes are gone or not the ones that were written:
 * no further try will find it better, so the one before counts.
 */
public final class DamagedCheckpointException extends IOException {
  private static final long serialVersionUID = 1L;

  DamagedCheckpointException(String message) {
    super(message);
  }

  DamagedCheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
