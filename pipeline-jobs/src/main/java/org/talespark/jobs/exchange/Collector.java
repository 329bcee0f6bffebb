package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.BiConsumer;

/** Keeps a payload until all of it is there. */
final class Collector implements Inflow {
  private final Frame frame;
  private final BiConsumer<Frame, ByteBuffer> taker;
  private final ByteBuffer payload;

  /**
   * For the payload of one frame.
   *
   * @param taker gets frame and payload, which is then its own
   */
  Collector(Frame frame, BiConsumer<Frame, ByteBuffer> taker) {
    this.frame = frame;
    this.taker = taker;
    this.payload = ByteBuffer.allocate(frame.length()).order(ByteOrder.nativeOrder());
  }

  /** A payload of its own for a frame that has come whole. */
  static ByteBuffer copy(ByteBuffer payload) {
    ByteBuffer copy = ByteBuffer.allocate(payload.remaining()).order(ByteOrder.nativeOrder());
    return copy.put(payload).flip();
  }

  @Override
  public void take(ByteBuffer piece) {
    payload.put(piece);
  }

  @Override
  public void end() {
    taker.accept(frame, payload.flip());
  }
}
