package org.talespark.jobs.checkpoint;

import java.io.IOException;

/**
 * Says whether a writer still is the one that may write. Asked before every deletion and every
 * commit, so that a worker that outlived its driver, or an attempt that was given up, leaves the
 * checkpoints of its successor alone.
 */
@FunctionalInterface
public interface Fence {
  /** For a writer that has no successors. */
  Fence NONE = () -> {};

  /**
   * Returns when this writer may go on.
   *
   * @throws FencedException when it may not
   * @throws IOException when that cannot be found out
   */
  void check() throws IOException;
}
