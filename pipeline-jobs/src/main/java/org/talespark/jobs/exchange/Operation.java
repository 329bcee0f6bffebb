package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;

/**
 * One collective operation as seen by one worker: a state machine that is driven by arriving
 * frames, on whichever thread brings them. Every method but {@link #sequence} is called under the
 * exchange's lock.
 */
abstract class Operation {
  /** The way out. */
  interface Outbox {
    /** Sends a chunk; {@link #written} follows. The payload must not change until then. */
    void send(Operation operation, int to, Frame frame, ByteBuffer payload, Object owner);
  }

  private final long sequence;
  private final CountDownLatch done = new CountDownLatch(1);
  private int unwritten;

  Operation(long sequence) {
    this.sequence = sequence;
  }

  final long sequence() {
    return sequence;
  }

  /** Opens when the operation is finished or the exchange has failed. */
  final CountDownLatch done() {
    return done;
  }

  final void sent() {
    unwritten++;
  }

  final void written() {
    unwritten--;
  }

  final int unwritten() {
    return unwritten;
  }

  /** For messages: what, and over how much. */
  abstract String name();

  /** Sends what can be sent at once. */
  abstract void start(Outbox outbox);

  /**
   * Takes a frame of this operation.
   *
   * @throws Frame.Malformed when it is not the one that must come next from its sender
   */
  abstract void accept(Frame frame, ByteBuffer payload, Outbox outbox) throws Frame.Malformed;

  /** Whether everything has arrived and been worked in. */
  abstract boolean received();

  /** The worker whose frame is missing. */
  abstract int awaitedRank();

  /** What that worker must send next, for messages. */
  abstract String awaitedFrame();
}
