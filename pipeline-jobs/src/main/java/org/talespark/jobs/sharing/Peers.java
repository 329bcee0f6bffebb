package org.talespark.jobs.sharing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/**
 * What one node knows of the others: how long each has been silent, whom it has heard, and which
 * steps have arrived. The root counts as one more node, with the number of workers as its rank.
 *
 * <p>Silence is counted in ticks of this process: a process that was stopped itself does not take
 * the others for lost.
 */
final class Peers {
  private static final long NONE = -1;

  private final int own;
  private final int workers;
  private final boolean[] heard;
  private final boolean[] left;
  private final int[] theyHeard;
  private final long[] silentNanos;
  private final long[] first;
  private final long[] last;
  private long events;
  private long seen;

  Peers(int own, int workers) {
    this.own = own;
    this.workers = workers;
    this.heard = new boolean[workers + 1];
    this.left = new boolean[workers + 1];
    this.theyHeard = new int[workers + 1];
    this.silentNanos = new long[workers + 1];
    this.first = new long[workers + 1];
    this.last = new long[workers + 1];
    Arrays.fill(first, NONE);
    Arrays.fill(last, NONE);
  }

  /** Anything has come from a node. */
  synchronized void heard(int rank) {
    heard[rank] = true;
    silentNanos[rank] = 0;
    happened();
  }

  /** A node says how many workers it has heard. */
  synchronized void heard(int rank, int workersHeard) {
    theyHeard[rank] = workersHeard;
    heard(rank);
  }

  synchronized void left(int rank) {
    left[rank] = true;
    heard(rank);
  }

  /**
   * An update has come; one that came before is passed over.
   *
   * @param deliver hands it on, before anybody sees that it has come
   * @throws IllegalStateException when one before it is missing
   */
  synchronized void arrived(int rank, long step, Runnable deliver) {
    theyHeard[rank] = workers - 1; // or it would not have begun
    heard(rank);
    if (last[rank] != NONE && step <= last[rank]) {
      return;
    }
    if (last[rank] != NONE && step != last[rank] + 1) {
      throw new IllegalStateException(
          "Cannot share updates: worker=%d step=%d, expected step %d; its messages were lost"
              .formatted(rank, step, last[rank] + 1));
    }
    if (first[rank] == NONE) {
      first[rank] = step;
    }
    deliver.run();
    last[rank] = step;
    happened();
  }

  /** Time passes. */
  synchronized void tick(long nanos) {
    for (int rank = 0; rank <= workers; rank++) {
      silentNanos[rank] += nanos;
    }
  }

  /** How many other workers this one has heard. */
  synchronized int workersHeard() {
    int count = 0;
    for (int rank = 0; rank < workers; rank++) {
      count += rank != own && heard[rank] ? 1 : 0;
    }
    return count;
  }

  /** Workers that this one has not heard, or that have not heard everybody. */
  synchronized List<Integer> missing() {
    List<Integer> out = new ArrayList<>();
    for (int rank = 0; rank < workers; rank++) {
      if (rank != own && !heard[rank]) {
        out.add(rank);
      }
    }
    return out;
  }

  /** Whether every worker has heard every other. */
  synchronized boolean complete() {
    for (int rank = 0; rank < workers; rank++) {
      if (rank != own && (!heard[rank] || theyHeard[rank] < workers - 1)) {
        return false;
      }
    }
    return true;
  }

  /** The node that has been silent longest, if longer than that. */
  synchronized OptionalInt lost(long nanos) {
    int longest = -1;
    for (int rank = 0; rank <= workers; rank++) {
      boolean silent = rank != own && !left[rank] && silentNanos[rank] > nanos;
      if (silent && (longest < 0 || silentNanos[rank] > silentNanos[longest])) {
        longest = rank;
      }
    }
    return longest < 0 ? OptionalInt.empty() : OptionalInt.of(longest);
  }

  /** A worker whose update of this step, counted from the first one here, has not come. */
  synchronized OptionalInt behind(long step, long begun) {
    for (int rank = 0; rank < workers; rank++) {
      if (rank != own && step >= begun && last[rank] < step) {
        return OptionalInt.of(rank);
      }
    }
    return OptionalInt.empty();
  }

  /** A worker that began with another step. */
  synchronized OptionalInt elsewhere(long begun) {
    for (int rank = 0; rank < workers; rank++) {
      if (rank != own && first[rank] != NONE && first[rank] != begun) {
        return OptionalInt.of(rank);
      }
    }
    return OptionalInt.empty();
  }

  synchronized boolean hasLeft(int rank) {
    return left[rank];
  }

  /** The last step that has come from a worker, or -1. */
  synchronized long last(int rank) {
    return last[rank];
  }

  synchronized double silentSeconds(int rank) {
    return silentNanos[rank] / 1e9;
  }

  /** Returns when something has happened since the last call, or when the time is over. */
  synchronized void await(long millis) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (events == seen) {
      long rest = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (rest <= 0) {
        break;
      }
      wait(rest);
    }
    seen = events;
  }

  private void happened() {
    events++;
    notifyAll();
  }
}
