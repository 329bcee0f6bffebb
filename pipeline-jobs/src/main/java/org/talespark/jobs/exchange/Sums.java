package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;

/**
 * Adds buffers, block by block through two small arrays: copies between buffer and array are
 * intrinsics, and the loop over arrays is one that the JIT compiler turns into vector instructions.
 * Not thread-safe; one instance a user.
 */
final class Sums {
  /** Elements a block: two blocks of doubles fit the first-level cache. */
  private static final int BLOCK = 1024;

  private final float[] floatsA = new float[BLOCK];
  private final float[] floatsB = new float[BLOCK];
  private final double[] doublesA = new double[BLOCK];
  private final double[] doublesB = new double[BLOCK];

  /**
   * {@code target += source}, both in native order from position to limit, of equal length;
   * positions stay as they are.
   */
  void add(Element element, ByteBuffer target, ByteBuffer source) {
    if (target.remaining() != source.remaining()) {
      throw new IllegalArgumentException(
          "Cannot add: source=%d bytes, expected %d"
              .formatted(source.remaining(), target.remaining()));
    }
    ByteBuffer into = target.slice().order(ByteOrder.nativeOrder());
    ByteBuffer from = source.slice().order(ByteOrder.nativeOrder());
    switch (element) {
      case FLOAT -> addFloats(into.asFloatBuffer(), from.asFloatBuffer());
      case DOUBLE -> addDoubles(into.asDoubleBuffer(), from.asDoubleBuffer());
      case HALF -> throw new IllegalArgumentException("Cannot add: element=HALF, expected FLOAT");
    }
  }

  private void addFloats(FloatBuffer into, FloatBuffer from) {
    for (int at = 0; at < into.limit(); at += BLOCK) {
      int n = Math.min(BLOCK, into.limit() - at);
      into.get(at, floatsA, 0, n);
      from.get(at, floatsB, 0, n);
      addArrays(floatsA, floatsB, n);
      into.put(at, floatsA, 0, n);
    }
  }

  private void addDoubles(DoubleBuffer into, DoubleBuffer from) {
    for (int at = 0; at < into.limit(); at += BLOCK) {
      int n = Math.min(BLOCK, into.limit() - at);
      into.get(at, doublesA, 0, n);
      from.get(at, doublesB, 0, n);
      addArrays(doublesA, doublesB, n);
      into.put(at, doublesA, 0, n);
    }
  }

  private static void addArrays(float[] a, float[] b, int n) {
    for (int i = 0; i < n; i++) {
      a[i] += b[i];
    }
  }

  private static void addArrays(double[] a, double[] b, int n) {
    for (int i = 0; i < n; i++) {
      a[i] += b[i];
    }
  }

  /** Makes all NaN of a buffer the same; its position stays as it is. */
  void oneNan(Element element, ByteBuffer values) {
    ByteBuffer all = values.slice().order(ByteOrder.nativeOrder());
    if (element == Element.FLOAT) {
      FloatBuffer floats = all.asFloatBuffer();
      for (int i = 0; i < floats.limit(); i++) {
        if (Float.isNaN(floats.get(i))) {
          floats.put(i, Float.NaN);
        }
      }
    } else {
      DoubleBuffer doubles = all.asDoubleBuffer();
      for (int i = 0; i < doubles.limit(); i++) {
        if (Double.isNaN(doubles.get(i))) {
          doubles.put(i, Double.NaN);
        }
      }
    }
  }
}
