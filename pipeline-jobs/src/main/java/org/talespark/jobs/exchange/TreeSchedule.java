package org.talespark.jobs.exchange;

/**
 * Who exchanges with whom when, in a sum by recursive doubling (Thakur, Rabenseifner and Gropp
 * 2005, "Optimization of collective communication operations in MPICH", section 4.5).
 *
 * <p>Among {@code p = 2^k} workers, in step {@code s} of 1 to k each one exchanges its sum so far
 * with the one whose position differs in bit {@code s - 1}, and both add: after k steps everybody
 * has the sum of all. No way is faster where a message's delay is what counts, since the workers
 * that a sum can know of at most double with each message; sending everything to everybody needs
 * one step, but {@code workers - 1} messages of each, and a tree down to one worker and back twice
 * the steps. Where the number is not a power of two, step 0 folds each of the first workers of even
 * rank into the next one, and the last step gives them the result.
 *
 * <p>At every step a worker holds the sum of a range of ranks, and adds the range below or above
 * it, lower one first. So the order of summation depends on ranks alone, and is the same for all.
 */
record TreeSchedule(int rank, int workers) {
  /** No partner in a step. */
  static final int NOBODY = -1;

  TreeSchedule {
    if (workers < 2 || rank < 0 || rank >= workers) {
      throw new IllegalArgumentException(
          "Cannot plan a tree: rank=%d, workers=%d, expected 0 <= rank < workers, workers >= 2"
              .formatted(rank, workers));
    }
  }

  /** Folding, doubling, unfolding. */
  int steps() {
    return Integer.numberOfTrailingZeros(inside()) + 2;
  }

  /** The worker that this one sends to or receives from in a step, or {@link #NOBODY}. */
  int partner(int step) {
    if (step == 0 || step == steps() - 1) {
      return rank < 2 * outside() ? rank ^ 1 : NOBODY;
    }
    return isOutside() ? NOBODY : rankAt(position() ^ (1 << (step - 1)));
  }

  boolean sends(int step) {
    return partner(step) != NOBODY && (isOutside() ? step == 0 : step > 0);
  }

  boolean receives(int step) {
    return partner(step) != NOBODY && (isOutside() ? step > 0 : step < steps() - 1);
  }

  /** Whether what arrives in this step is the result, instead of a part to be added. */
  boolean replaces(int step) {
    return step == steps() - 1;
  }

  /** Workers that double: the largest power of two. */
  private int inside() {
    return Integer.highestOneBit(workers);
  }

  /** Workers that are folded into another one. */
  private int outside() {
    return workers - inside();
  }

  private boolean isOutside() {
    return rank < 2 * outside() && rank % 2 == 0;
  }

  private int position() {
    return rank < 2 * outside() ? rank / 2 : rank - outside();
  }

  private int rankAt(int position) {
    return position < outside() ? 2 * position + 1 : position + outside();
  }
}
