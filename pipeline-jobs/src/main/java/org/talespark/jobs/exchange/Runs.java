package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Cuts a payload that arrives in pieces of any length into runs of whole units. */
final class Runs {
  /** Takes the runs in order. */
  interface Taker {
    /**
     * Takes the next run.
     *
     * @param at first byte of the run in the payload
     * @param bytes valid only during the call, native order
     */
    void run(int at, ByteBuffer bytes);
  }

  private final int unit;
  private final Taker taker;

  /** A unit of which not all bytes are there. */
  private final ByteBuffer begun;

  private int at;

  Runs(int unit, Taker taker) {
    this.unit = unit;
    this.taker = taker;
    this.begun = ByteBuffer.allocate(unit).order(ByteOrder.nativeOrder());
  }

  void take(ByteBuffer piece) {
    if (begun.position() > 0) {
      while (begun.hasRemaining() && piece.hasRemaining()) {
        begun.put(piece.get());
      }
      if (begun.hasRemaining()) {
        return;
      }
      hand(begun.flip());
      begun.clear();
    }
    int whole = piece.remaining() / unit * unit;
    if (whole > 0) {
      hand(piece.slice(piece.position(), whole).order(ByteOrder.nativeOrder()));
      piece.position(piece.position() + whole);
    }
    begun.put(piece);
  }

  private void hand(ByteBuffer run) {
    int bytes = run.remaining();
    taker.run(at, run);
    at += bytes;
  }
}
