package org.talespark.zoo.graph;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * The exponential function over blocks of floats, in plain arithmetic that the JIT compiler
 * vectorises: e^x = 2^k e^r with k = round(x / ln 2), and the Taylor polynomial of degree 7 of e^r,
 * |r| <= ln(2) / 2. Errors are at most two units in the last place; below e^-87 results stay there,
 * above e^88 likewise; NaN stays NaN.
 *
 * <p>An instance has its own scratch memory and is for one thread.
 */
final class FastExp {
  /** Elements that one call may have. */
  static final int BLOCK = 2048;

  private static final float LEAST = -87;
  private static final float MOST = 88;
  private static final float LOG2_E = 1.442695f;
  private static final float LN2_HIGH = 0.6933594f; // 355 / 512: its multiples are exact
  private static final float LN2_LOW = -2.1219444e-4f;

  /** Added to a small number, it leaves the rounded number in the lowest bits. */
  private static final float ROUND = 12582912; // 1.5 * 2^23

  private final float[] limited = new float[BLOCK];
  private final float[] rounded = new float[BLOCK];
  private final float[] power = new float[BLOCK];
  private final int[] bits = new int[BLOCK];
  private final FloatBuffer floats;
  private final IntBuffer integers;

  FastExp() {
    // arrays cannot be read as another type; memory outside the heap can, at the price of a copy
    ByteBuffer memory = ByteBuffer.allocateDirect(4 * BLOCK).order(ByteOrder.nativeOrder());
    floats = memory.asFloatBuffer();
    integers = memory.asIntBuffer();
  }

  /** Replaces {@code n} elements from {@code from} by their exponentials; n is at most BLOCK. */
  void apply(float[] x, int from, int n) {
    for (int i = 0; i < n; i++) {
      limited[i] = Math.max(LEAST, Math.min(MOST, x[from + i]));
    }
    for (int i = 0; i < n; i++) {
      rounded[i] = limited[i] * LOG2_E + ROUND;
    }
    floats.put(0, rounded, 0, n);
    integers.get(0, bits, 0, n);
    for (int i = 0; i < n; i++) {
      bits[i] = (bits[i] << 23) + 0x3f800000; // 2^k
    }
    integers.put(0, bits, 0, n);
    floats.get(0, power, 0, n);
    multiply(limited, rounded, power, n);
    System.arraycopy(limited, 0, x, from, n);
  }

  /** Replaces x by e^r 2^k; limits in the same loop would keep it from being vectorised. */
  private static void multiply(float[] x, float[] rounded, float[] power, int n) {
    for (int i = 0; i < n; i++) {
      float k = rounded[i] - ROUND;
      float r = x[i] - k * LN2_HIGH - k * LN2_LOW;
      float p =
          1
              + r
                  * (1
                      + r
                          * (0.5f
                              + r
                                  * (0.16666667f
                                      + r
                                          * (0.041666668f
                                              + r
                                                  * (0.008333334f
                                                      + r
                                                          * (0.0013888889f
                                                              + r * 1.9841270e-4f))))));
      x[i] = p * power[i];
    }
  }
}
