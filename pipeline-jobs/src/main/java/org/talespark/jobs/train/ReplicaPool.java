package org.talespark.jobs.train;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The learners of an executor between the tasks of a run. Making one takes longer than a short
 * round, and Spark has no other place that outlives a task; they hold no state of a replica.
 */
final class ReplicaPool {
  private static final Map<String, Deque<Replica>> IDLE = new HashMap<>();

  private ReplicaPool() {}

  /** An idle learner of this run, if there is one; those of other runs are closed. */
  static Optional<Replica> take(String run) {
    synchronized (IDLE) {
      List.copyOf(IDLE.keySet()).stream()
          .filter(other -> !other.equals(run))
          .forEach(ReplicaPool::close);
      return Optional.ofNullable(IDLE.computeIfAbsent(run, r -> new ArrayDeque<>()).poll());
    }
  }

  /** Keeps a learner for the next task, unless there is one for every core already. */
  static void giveBack(String run, Replica replica) {
    synchronized (IDLE) {
      Deque<Replica> idle = IDLE.computeIfAbsent(run, r -> new ArrayDeque<>());
      if (idle.size() < Runtime.getRuntime().availableProcessors()) {
        idle.push(replica);
        return;
      }
    }
    replica.close();
  }

  /** Closes the idle learners of a run. */
  static void close(String run) {
    synchronized (IDLE) {
      Deque<Replica> idle = IDLE.remove(run);
      if (idle != null) {
        idle.forEach(Replica::close);
      }
    }
  }
}
