package org.talespark.jobs.sharing;

import static java.util.Objects.requireNonNull;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What one worker must keep from one step to the next. Every worker has its own.
 *
 * @param threshold before rounding
 * @param updates how many were encoded so far
 * @param residual what was not sent yet, FLOAT, as long as an update
 */
public record SharingState(double threshold, long updates, INDArray residual) {
  /** Refuses an impossible count; {@link SharedUpdates#restore} checks the rest. */
  public SharingState {
    requireNonNull(residual, "residual");
    if (updates < 0) {
      throw new IllegalArgumentException(
          "Cannot restore sharing: updates=%d, expected at least 0".formatted(updates));
    }
  }
}
