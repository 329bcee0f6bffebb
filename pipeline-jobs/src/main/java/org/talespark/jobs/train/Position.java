package org.talespark.jobs.train;

import java.io.Serializable;

/**
 * Where a run stands.
 *
 * @param step steps made
 * @param samples samples seen, which is the position in their sequence
 * @param seconds of training
 */
record Position(long step, long samples, double seconds) implements Serializable {
  static final Position START = new Position(0, 0, 0);

  /** After more steps of a global batch. */
  Position after(long steps, long globalBatch, double now) {
    return new Position(step + steps, samples + steps * globalBatch, now);
  }
}
