package org.talespark.jobs.exchange;

/**
 * Who sends which part of an array when, in a ring all-reduce (Patarasuk and Yuan 2009).
 *
 * <p>The array of {@code length} elements is cut into one segment a worker; worker {@code r} sends
 * to {@code r + 1} and receives from {@code r - 1}. In steps {@code 0 .. workers - 2} what arrives
 * is added to the own segment, after which each segment is complete on one worker; in steps {@code
 * workers - 1 .. 2 workers - 3} complete segments travel round and replace. What arrives in one
 * step leaves in the next, chunk by chunk: a segment is cut into chunks of {@code chunkElements}.
 *
 * <p>Each element is summed in one fixed order that depends only on its segment, so results do not
 * depend on timing.
 */
record RingSchedule(int rank, int workers, long length, int chunkElements) {
  RingSchedule {
    if (workers < 2 || rank < 0 || rank >= workers || length < 0 || chunkElements < 1) {
      throw new IllegalArgumentException(
          "Cannot plan a ring: rank=%d, workers=%d, length=%d, chunkElements=%d, expected 0 <= rank < workers, workers >= 2"
              .formatted(rank, workers, length, chunkElements));
    }
  }

  /** The worker this one receives from. */
  int left() {
    return (rank + workers - 1) % workers;
  }

  /** The worker this one sends to. */
  int right() {
    return (rank + 1) % workers;
  }

  int steps() {
    return 2 * (workers - 1);
  }

  /** Whether what arrives in this step is added (else it replaces). */
  boolean adds(int step) {
    return step < workers - 1;
  }

  /** The segment that leaves in this step. */
  int sends(int step) {
    return Math.floorMod(rank - step, workers);
  }

  /** The segment that arrives in this step; it is the one that leaves in the next. */
  int receives(int step) {
    return Math.floorMod(rank - step - 1, workers);
  }

  /**
   * First element of a segment; segments differ by at most one element, the longer ones come first.
   */
  long segmentStart(int segment) {
    return segment * (length / workers) + Math.min(segment, length % workers);
  }

  long segmentLength(int segment) {
    return length / workers + (segment < length % workers ? 1 : 0);
  }

  int chunks(int segment) {
    return Math.toIntExact((segmentLength(segment) + chunkElements - 1) / chunkElements);
  }

  /** First element of a chunk in the whole array. */
  long chunkStart(int segment, int chunk) {
    return segmentStart(segment) + (long) chunk * chunkElements;
  }

  int chunkLength(int segment, int chunk) {
    return (int) Math.min(chunkElements, segmentLength(segment) - (long) chunk * chunkElements);
  }
}
