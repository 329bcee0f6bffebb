package org.talespark.jobs.exchange;

import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/**
 * The sum of a small array by {@link TreeSchedule}. Always travels in full. NaN comes out as the
 * one that {@link Float#NaN} is: which of two a processor keeps depends on the order in which the
 * compiler names them.
 */
final class TreeSum extends Operation {
  private final FlatMemory array;
  private final TreeSchedule tree;
  private final Sums sums;
  private final Mesh mesh;

  /** By step: what has come from the partner. */
  private final byte[][] arrived;

  /** The sum so far; never written to again once it is sent. */
  private byte[] sum;

  private int step;
  private int sentSteps;

  TreeSum(long sequence, FlatMemory array, TreeSchedule tree, Sums sums, Mesh mesh) {
    super(sequence);
    this.array = array;
    this.tree = tree;
    this.sums = sums;
    this.mesh = mesh;
    this.arrived = new byte[tree.steps()][];
  }

  @Override
  String name() {
    return "all-reduce of %d %s".formatted(array.length(), array.element());
  }

  @Override
  void start(Outbox outbox) {
    sum = new byte[Math.toIntExact(array.bytes())];
    whole().get(sum);
    advance(outbox);
  }

  private ByteBuffer whole() {
    return array.slice(0, Math.toIntExact(array.length()));
  }

  @Override
  void accept(Frame frame, ByteBuffer payload, Outbox outbox) throws Frame.Malformed {
    int at = frame.step();
    boolean mine =
        frame.kind() == Frame.Kind.SMALL
            && frame.element() == array.element()
            && frame.total() == array.length()
            && payload.remaining() == array.bytes()
            && at < tree.steps()
            && tree.receives(at)
            && tree.partner(at) == frame.rank()
            && arrived[at] == null
            && at >= step;
    if (!mine) {
      throw unexpected(frame);
    }
    arrived[at] = new byte[payload.remaining()];
    payload.get(arrived[at]);
    advance(outbox);
  }

  private void advance(Outbox outbox) {
    while (step < tree.steps()) {
      if (tree.sends(step) && sentSteps <= step) {
        sentSteps = step + 1;
        send(outbox);
      }
      if (tree.receives(step)) {
        if (arrived[step] == null) {
          return;
        }
        combine(arrived[step]);
      }
      step++;
    }
    ByteBuffer result = ByteBuffer.wrap(sum.clone());
    sums.oneNan(array.element(), result);
    whole().put(result);
  }

  private void send(Outbox outbox) {
    Frame frame =
        mesh.frame(
            Frame.Kind.SMALL, sequence(), array.element(), step, 0, array.length(), sum.length, 0);
    outbox.send(this, tree.partner(step), frame, Unpooled.wrappedBuffer(sum));
  }

  private void combine(byte[] other) {
    if (tree.replaces(step)) {
      sum = other;
    } else {
      boolean below = tree.partner(step) < tree.rank();
      byte[] both = (below ? other : sum).clone();
      sums.add(array.element(), ByteBuffer.wrap(both), ByteBuffer.wrap(below ? sum : other));
      sum = both;
    }
  }

  @Override
  boolean received() {
    return step == tree.steps();
  }

  @Override
  int awaitedRank() {
    return received() ? ExchangeException.NOBODY : tree.partner(step);
  }

  @Override
  String awaitedFrame() {
    return received() ? "nothing more" : "step %d of %d".formatted(step, tree.steps());
  }
}
