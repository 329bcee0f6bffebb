package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.BiConsumer;

/**
 * What faster workers have sent for an operation that has not begun here. A worker that has sent
 * much is not read from for a while.
 */
final class Backlog {
  private record Kept(Frame frame, ByteBuffer payload) {}

  /**
   * Bytes of one worker from which on it is not read from; what the network layer has at hand comes
   * on top.
   */
  private static final long LIMIT = 8L << 20;

  private final Mesh mesh;
  private final List<Queue<Kept>> byRank = new ArrayList<>();
  private final long[] bytes;
  private final boolean[] paused;

  Backlog(int workers, Mesh mesh) {
    this.mesh = mesh;
    this.bytes = new long[workers];
    this.paused = new boolean[workers];
    for (int rank = 0; rank < workers; rank++) {
      byRank.add(new ArrayDeque<>());
    }
  }

  /** Keeps a frame; the payload's memory must be nobody else's. */
  void keep(Frame frame, ByteBuffer payload) {
    int from = frame.rank();
    byRank.get(from).add(new Kept(frame, payload));
    bytes[from] += payload.remaining();
    if (bytes[from] > LIMIT && !paused[from]) {
      paused[from] = true;
      mesh.reading(from, false);
    }
  }

  /** Hands on what was kept for an operation, in the order of arrival from each worker. */
  void drain(long sequence, BiConsumer<Frame, ByteBuffer> taker) {
    for (int from = 0; from < bytes.length; from++) {
      Queue<Kept> frames = byRank.get(from);
      while (!frames.isEmpty() && frames.element().frame().sequence() == sequence) {
        Kept next = frames.remove();
        bytes[from] -= next.payload().remaining();
        taker.accept(next.frame(), next.payload());
      }
      if (paused[from] && bytes[from] <= LIMIT) {
        paused[from] = false;
        mesh.reading(from, true);
      }
    }
  }
}
