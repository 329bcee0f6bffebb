package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;

/**
 * The sum of a large array, round the ring of {@link RingSchedule}: every chunk is passed on as
 * soon as it is worked in.
 */
final class RingSum extends Operation {
  private final FlatMemory array;
  private final RingSchedule ring;
  private final Sums sums;
  private final Mesh mesh;

  /** By step: how many chunks have arrived. */
  private final int[] arrived;

  private long missing;

  RingSum(long sequence, FlatMemory array, RingSchedule ring, Sums sums, Mesh mesh) {
    super(sequence);
    this.array = array;
    this.ring = ring;
    this.sums = sums;
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
    int segment = ring.sends(0);
    for (int chunk = 0; chunk < ring.chunks(segment); chunk++) {
      send(0, chunk, outbox);
    }
  }

  private void send(int step, int chunk, Outbox outbox) {
    ByteBuffer payload = chunk(ring.sends(step), chunk);
    Frame frame =
        mesh.frame(
            Frame.Kind.RING,
            sequence(),
            array.element(),
            step,
            chunk,
            array.length(),
            payload.remaining());
    outbox.send(this, ring.right(), frame, payload, array);
  }

  private ByteBuffer chunk(int segment, int chunk) {
    return array.slice(ring.chunkStart(segment, chunk), ring.chunkLength(segment, chunk));
  }

  @Override
  void accept(Frame frame, ByteBuffer payload, Outbox outbox) throws Frame.Malformed {
    int step = frame.step();
    boolean mine =
        frame.kind() == Frame.Kind.RING
            && frame.element() == array.element()
            && frame.total() == array.length()
            && frame.rank() == ring.left()
            && step < ring.steps()
            && frame.chunk() == arrived[step]
            && frame.chunk() < ring.chunks(ring.receives(step))
            && payload.remaining()
                == ring.chunkLength(ring.receives(step), frame.chunk()) * array.element().bytes();
    if (!mine) {
      throw new Frame.Malformed(
          "%s of %d %s, step=%d, chunk=%d with %d bytes, expected %s of %s; all workers must call the same operations in the same order"
              .formatted(
                  frame.kind(),
                  frame.total(),
                  frame.element(),
                  step,
                  frame.chunk(),
                  frame.length(),
                  awaitedFrame(),
                  name()));
    }
    ByteBuffer target = chunk(ring.receives(step), frame.chunk());
    if (ring.adds(step)) {
      sums.add(array.element(), target, payload);
    } else {
      target.put(payload);
    }
    arrived[step]++;
    missing--;
    if (step + 1 < ring.steps()) {
      send(step + 1, frame.chunk(), outbox);
    }
  }

  @Override
  boolean received() {
    return missing == 0;
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
