package org.talespark.jobs.exchange;

import java.util.Arrays;

/**
 * Finds the worker at which everything stands still. Whoever waits long tells the others for whom,
 * so when the limit is reached, the worker to name is at the end of the chain: it has told nothing.
 */
final class Standstill {
  private static final int UNKNOWN = -1;

  /** By rank: the worker it waits for. */
  private final int[] waitsFor;

  Standstill(int workers) {
    this.waitsFor = new int[workers];
    Arrays.fill(waitsFor, UNKNOWN);
  }

  void waits(int rank, long awaited) {
    boolean valid = awaited >= 0 && awaited < waitsFor.length && awaited != rank;
    waitsFor[rank] = valid ? (int) awaited : UNKNOWN;
  }

  void moved(int rank) {
    waitsFor[rank] = UNKNOWN;
  }

  /** The worker that the awaited one waits for in the end; itself when it has not said. */
  int root(int awaited) {
    int at = awaited;
    for (int i = 0; i < waitsFor.length && waitsFor[at] != UNKNOWN; i++) {
      at = waitsFor[at];
    }
    return at;
  }
}
