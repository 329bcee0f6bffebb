package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;

/**
 * The sum of a large array, round the ring of {@link RingSchedule}: every chunk is worked in while
 * it arrives, and passed on as soon as it is complete.
 */
final class RingSum extends Operation {
  /**
   * Chunks of the first step that are on their way out at a time: enough to keep the connection
   * busy, and few enough that chunks to be passed on, still in the processor's cache, need not
   * queue behind the whole segment.
   */
  private static final int WINDOW = 8;

  private final FlatMemory array;
  private final RingSchedule ring;
  private final Carriage carriage;
  private final Mesh mesh;

  /** By step: how many chunks have arrived. */
  private final int[] arrived;

  private int begun;
  private long missing;

  RingSum(long sequence, FlatMemory array, RingSchedule ring, Carriage carriage, Mesh mesh) {
    super(sequence);
    this.array = array;
    this.ring = ring;
    this.carriage = carriage;
    this.mesh = mesh;
    this.arrived = new int[ring.steps()];
    for (int step = 0; step < ring.steps(); step++) {
      missing += ring.chunks(ring.receives(step));
    }
  }

  @Override
  String name() {
    return "all-reduce of %d %s".formatted(array.length(), array.element());
  }

  @Override
  void start(Outbox outbox) {
    for (int i = 0; i < WINDOW; i++) {
      sendFirst(outbox);
    }
  }

  @Override
  void onWritten(Frame frame, Outbox outbox) {
    if (frame.step() == 0) {
      sendFirst(outbox);
    }
  }

  /** The next chunk of the first step, which has nothing to wait for. */
  private void sendFirst(Outbox outbox) {
    int segment = ring.sends(0);
    if (begun < ring.chunks(segment)) {
      int chunk = begun++;
      send(0, chunk, load(segment, chunk, false), outbox);
    }
  }

  private Carriage.Load load(int segment, int chunk, boolean settle) {
    return carriage.load(ring.chunkStart(segment, chunk), ring.chunkLength(segment, chunk), settle);
  }

  private void send(int step, int chunk, Carriage.Load load, Outbox outbox) {
    Frame frame =
        mesh.frame(
            Frame.Kind.RING,
            sequence(),
            carriage.element(),
            step,
            chunk,
            array.length(),
            load.payload().readableBytes(),
            load.exponent());
    outbox.send(this, ring.right(), frame, load.payload());
  }

  @Override
  void accept(Frame frame, ByteBuffer payload, Outbox outbox) throws Frame.Malformed {
    Inflow inflow = open(frame, outbox);
    inflow.take(payload);
    inflow.end();
  }

  @Override
  Inflow open(Frame frame, Outbox outbox) throws Frame.Malformed {
    int step = frame.step();
    boolean mine =
        frame.kind() == Frame.Kind.RING
            && frame.element() == carriage.element()
            && frame.total() == array.length()
            && frame.rank() == ring.left()
            && step < ring.steps()
            && frame.chunk() == arrived[step]
            && frame.chunk() < ring.chunks(ring.receives(step))
            && frame.length()
                == carriage.payloadBytes(ring.chunkLength(ring.receives(step), frame.chunk()));
    if (!mine) {
      throw unexpected(frame);
    }
    int segment = ring.receives(step);
    Carriage.Unloading unloading =
        carriage.unload(
            ring.chunkStart(segment, frame.chunk()),
            ring.chunkLength(segment, frame.chunk()),
            frame.exponent(),
            ring.adds(step),
            !ring.adds(step) && step + 1 < ring.steps());
    return new Inflow() {
      @Override
      public void take(ByteBuffer piece) {
        unloading.take(piece);
      }

      @Override
      public void end() {
        worked(frame, unloading, outbox);
      }
    };
  }

  private void worked(Frame frame, Carriage.Unloading unloading, Outbox outbox) {
    int step = frame.step();
    arrived[step]++;
    missing--;
    if (step + 1 < ring.steps()) {
      Carriage.Load load =
          ring.adds(step)
              ? load(ring.receives(step), frame.chunk(), !ring.adds(step + 1))
              : unloading.again();
      send(step + 1, frame.chunk(), load, outbox);
    }
  }

  @Override
  boolean received() {
    return missing == 0 && begun == ring.chunks(ring.sends(0));
  }

  @Override
  int awaitedRank() {
    return ring.left();
  }

  @Override
  String awaitedFrame() {
    for (int step = 0; step < ring.steps(); step++) {
      int chunks = ring.chunks(ring.receives(step));
      if (arrived[step] < chunks) {
        return "step %d of %d, chunk %d of %d".formatted(step, ring.steps(), arrived[step], chunks);
      }
    }
    return "nothing more";
  }
}
