package org.talespark.jobs.exchange;

import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Every worker sends its bytes to every other; when all are there, they are handed on by rank. */
final class Share extends Operation {
  private final Frame mine;
  private final byte[] own;
  private final String name;
  private final Consumer<List<byte[]>> all;
  private final byte[][] byRank;
  private int missing;

  /**
   * @param mine the header of the frames this worker sends
   * @param own this worker's bytes
   * @param all takes every worker's bytes by rank, when the last have arrived
   */
  Share(Frame mine, byte[] own, String name, Consumer<List<byte[]>> all) {
    super(mine.sequence());
    this.mine = mine;
    this.own = own;
    this.name = name;
    this.all = all;
    this.byRank = new byte[mine.workers()][];
    this.missing = mine.workers();
  }

  @Override
  String name() {
    return name;
  }

  @Override
  void start(Outbox outbox) {
    for (int step = 1; step < mine.workers(); step++) {
      int to = (mine.rank() + step) % mine.workers();
      outbox.send(this, to, mine, Unpooled.wrappedBuffer(own));
    }
    arrived(mine.rank(), own);
  }

  @Override
  void accept(Frame frame, ByteBuffer payload, Outbox outbox) throws Frame.Malformed {
    if (frame.kind() != mine.kind() || byRank[frame.rank()] != null) {
      throw unexpected(frame);
    }
    byte[] bytes = new byte[payload.remaining()];
    payload.get(bytes);
    arrived(frame.rank(), bytes);
  }

  private void arrived(int rank, byte[] bytes) {
    byRank[rank] = bytes;
    missing--;
    if (missing == 0) {
      all.accept(List.copyOf(Arrays.asList(byRank)));
    }
  }

  @Override
  boolean received() {
    return missing == 0;
  }

  @Override
  int awaitedRank() {
    for (int rank = 0; rank < byRank.length; rank++) {
      if (rank != mine.rank() && byRank[rank] == null) {
        return rank;
      }
    }
    return ExchangeException.NOBODY;
  }

  @Override
  String awaitedFrame() {
    return "its part";
  }
}
