package org.talespark.jobs.exchange;

import java.util.List;
import java.util.function.Consumer;

/** Makes the operations of one worker: chooses the way that an array is summed and travels. */
final class Operations {
  private final Mesh mesh;
  private final int rank;
  private final int workers;
  private final ExchangeConfig config;

  // one operation runs at a time
  private final Sums sums = new Sums();
  private final Halves halves = new Halves();

  Operations(Mesh mesh, int rank, int workers, ExchangeConfig config) {
    this.mesh = mesh;
    this.rank = rank;
    this.workers = workers;
    this.config = config;
  }

  /** A sum, by the tree or round the ring. */
  Operation sum(long sequence, FlatMemory array) {
    if (array.bytes() < config.smallBytes(workers)) {
      return new TreeSum(sequence, array, new TreeSchedule(rank, workers), sums, mesh);
    }
    int chunkElements = config.chunkBytes() / array.element().bytes();
    RingSchedule ring = new RingSchedule(rank, workers, array.length(), chunkElements);
    return new RingSum(sequence, array, ring, carriage(array), mesh);
  }

  private Carriage carriage(FlatMemory array) {
    boolean half = config.wire() == ExchangeConfig.Wire.HALF && array.element() == Element.FLOAT;
    return half ? new HalfCarriage(array, halves, mesh.allocator()) : new FullCarriage(array, sums);
  }

  /** Everybody's bytes for everybody. */
  Operation share(
      long sequence, Frame.Kind kind, byte[] mine, String name, Consumer<List<byte[]>> all) {
    return new Share(mesh.frame(kind, sequence, mine.length, mine.length), mine, name, all);
  }
}
