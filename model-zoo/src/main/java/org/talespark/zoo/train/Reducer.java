package org.talespark.zoo.train;

import java.util.function.IntSupplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.optim.Peers;

/** Sums over the workers of a run. All workers call it in the same order. */
public interface Reducer extends Peers {
  /**
   * Begins a {@link #sum} in the background, in the order of calls. The array may be neither read
   * nor written before {@link Handle#await} has returned.
   */
  default Handle begin(INDArray flat) {
    sum(flat);
    return () -> {};
  }

  /**
   * Whether this replica steps apart from others, with which it is merged now and then ({@link
   * Learner#merged}).
   */
  default boolean apart() {
    return false;
  }

  /** This replica's number among those that are merged now and then. */
  default int replica() {
    return 0;
  }

  /** How many replicas are merged now and then. */
  default int replicas() {
    return 1;
  }

  /** This worker's number in the run. */
  default int worker() {
    return apart() ? replica() : rank();
  }

  /** A sum that has begun. */
  @FunctionalInterface
  interface Handle {
    /** Waits for the end. */
    void await();
  }

  /** One worker alone. */
  Reducer ALONE = apart(0, 1);

  /** A worker that steps by itself and is merged with others now and then; of one, one alone. */
  static Reducer apart(int replica, int replicas) {
    return new Seat(() -> replica, replicas, replicas > 1);
  }

  /** A worker that is now this replica, now that, of those that are merged now and then. */
  static Reducer apart(IntSupplier replica, int replicas) {
    return new Seat(replica, replicas, true);
  }
}
