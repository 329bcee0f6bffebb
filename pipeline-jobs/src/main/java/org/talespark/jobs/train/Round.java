package org.talespark.jobs.train;

import java.io.Serializable;

/**
 * The steps between two merges.
 *
 * @param at where the run is before the first
 * @param done share of the run that is done before the first
 * @param pace share of the run that a step is reckoned to be
 */
record Round(Position at, int steps, double done, double pace) implements Serializable {

  /** The share that is done before a step of the round, from 0. */
  double doneAt(int step) {
    return Math.min(1, done + step * pace);
  }
}
