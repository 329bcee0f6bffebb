package org.talespark.jobs.exchange;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;

/**
 * One collective operation as seen by one worker: a state machine that is driven by arriving
 * frames, on whichever thread brings them. Every method but {@link #sequence} is called under the
 * exchange's lock, those of an {@link Inflow} included.
 */
abstract class Operation {
  /** The way out. */
  interface Outbox {
    /**
     * Sends a frame; {@link #written} follows. The payload must not change until then, and is
     * released.
     */
    void send(Operation operation, int to, Frame frame, ByteBuf payload);
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

  final void written(Frame frame, Outbox outbox) {
    unwritten--;
    onWritten(frame, outbox);
  }

  final int unwritten() {
    return unwritten;
  }

  /** For messages: what, and over how much. */
  abstract String name();

  /** Sends what can be sent at once. */
  abstract void start(Outbox outbox);

  /** The network layer has taken a frame: there is room for another. */
  void onWritten(Frame frame, Outbox outbox) {}

  /**
   * Takes a frame of this operation.
   *
   * @throws Frame.Malformed when it is not the one that must come next from its sender
   */
  abstract void accept(Frame frame, ByteBuffer payload, Outbox outbox) throws Frame.Malformed;

  /**
   * Takes a frame of this operation whose payload is still to come.
   *
   * @throws Frame.Malformed when it is not the one that must come next from its sender
   */
  Inflow open(Frame frame, Outbox outbox) throws Frame.Malformed {
    throw unexpected(frame);
  }

  /** For a frame that this operation does not wait for. */
  final Frame.Malformed unexpected(Frame frame) {
    return new Frame.Malformed(
        "%s of %d %s, step=%d, chunk=%d with %d bytes, expected %s of %s; all workers must call the same operations in the same order"
            .formatted(
                frame.kind(),
                frame.total(),
                frame.element(),
                frame.step(),
                frame.chunk(),
                frame.length(),
                awaitedFrame(),
                name()));
  }

  /** Whether everything has arrived and been worked in. */
  abstract boolean received();

  /** The worker whose frame is missing. */
  abstract int awaitedRank();

  /** What that worker must send next, for messages. */
  abstract String awaitedFrame();
}
