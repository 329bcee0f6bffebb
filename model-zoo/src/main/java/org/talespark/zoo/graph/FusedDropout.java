package org.talespark.zoo.graph;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Dropout (Srivastava 2014, JMLR 15): an element is left out with probability p, others are divided
 * by 1 - p. What is left out follows from the sample's key, the stream and the element's place in
 * its sample alone, so it does not depend on the batch, and the gradient finds it again without a
 * mask in memory.
 *
 * <p>x [B*T, D], int32 keys [B, 2], each two halves of a key -> y [B*T, D].
 */
final class FusedDropout extends FusedOp {
  private static final String NAME = "talespark_leave_out";
  private static final int LEAST_ELEMENTS = 8192;
  private static final int BITS = 24; // of a decision
  private static final long STEP = 0x9e3779b97f4a7c15L;

  private final double rate;
  private final long stream;

  private FusedDropout(String name, SDVariable x, SDVariable keys, double rate, long stream) {
    super(name, List.of(x, keys), 1);
    this.rate = rate;
    this.stream = stream;
  }

  /**
   * Leaves elements out.
   *
   * @param rate p
   * @param stream another one gives another choice
   */
  static SDVariable apply(SDVariable x, SDVariable keys, double rate, long stream) {
    return new FusedDropout(NAME, x, keys, rate, stream).output();
  }

  @Override
  boolean inPlace() {
    return true;
  }

  @Override
  List<long[]> outputShapes(List<long[]> inputShapes) {
    long[] x = inputShapes.get(0);
    long[] keys = inputShapes.get(1);
    if (x.length != 2 || keys.length != 2 || keys[1] != 2 || x[0] % keys[0] != 0) {
      throw new IllegalArgumentException(
          "Cannot drop out: shapes=%s, expected [B*T, D] and [B, 2]"
              .formatted(inputShapes.stream().map(Arrays::toString).toList()));
    }
    return inputShapes.subList(0, 1);
  }

  /** The same elements of the gradient are left out. */
  @Override
  public List<SDVariable> doDiff(List<SDVariable> outputGradients) {
    SDVariable gradient = outputGradients.get(0);
    return List.of(new FusedDropout(NAME + "_bp", gradient, arg(1), rate, stream).output());
  }

  @Override
  Kernel kernel(OpCall call) {
    FloatBuffer x = call.input(0);
    IntBuffer keys = FloatMemory.bits(call.inputs().get(1));
    FloatBuffer y = call.output(0);
    int width = (int) call.inputs().get(0).size(1);
    int rows = x.capacity() / width;
    int tokens = rows / (keys.capacity() / 2);
    long least = Math.round(rate * (1 << BITS));
    float kept = (float) (1 / (1 - rate));
    return Parts.ofRows(
        rows,
        Math.max(1, LEAST_ELEMENTS / width),
        (part, from, to) -> {
          float[] row = new float[width];
          return () -> {
            for (int r = from; r < to; r++) {
              int sample = r / tokens;
              long key =
                  ((long) keys.get(2 * sample) << 32) | (keys.get(2 * sample + 1) & 0xffffffffL);
              long state = mix(mix(key ^ stream) + r % tokens);
              x.get(r * width, row, 0, width);
              for (int i = 0; i < width; i++) {
                state += STEP;
                row[i] = mix(state) >>> (Long.SIZE - BITS) >= least ? row[i] * kept : 0;
              }
              y.put(r * width, row, 0, width);
            }
          };
        });
  }

  /** Stafford's variant 13 of MurmurHash3's finalizer, which spreads every bit over all. */
  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
