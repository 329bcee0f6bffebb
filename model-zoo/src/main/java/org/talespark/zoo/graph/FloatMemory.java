package org.talespark.zoo.graph;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.talespark.zoo.runtime.NativeMemory;

/**
 * Off-heap float32 arrays as buffers, and sums over heap blocks that the JIT compiler vectorises.
 */
final class FloatMemory {
  private FloatMemory() {}

  /** A buffer over exactly the elements of a contiguous array. */
  static FloatBuffer of(INDArray array) {
    return bytes(array).asFloatBuffer();
  }

  /** The same, as the bits of its elements. */
  static IntBuffer bits(INDArray array) {
    return bytes(array).asIntBuffer();
  }

  private static ByteBuffer bytes(INDArray array) {
    return NativeMemory.window(array, 0, Math.toIntExact(NativeMemory.byteCount(array)));
  }

  /** Sum of products of {@code n} elements from {@code from}. */
  static float dot(float[] a, float[] b, int from, int n) {
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    int i = from;
    int end = from + n;
    for (; i + 8 <= end; i += 8) {
      s0 += a[i] * b[i];
      s1 += a[i + 1] * b[i + 1];
      s2 += a[i + 2] * b[i + 2];
      s3 += a[i + 3] * b[i + 3];
      s4 += a[i + 4] * b[i + 4];
      s5 += a[i + 5] * b[i + 5];
      s6 += a[i + 6] * b[i + 6];
      s7 += a[i + 7] * b[i + 7];
    }
    for (; i < end; i++) {
      s0 += a[i] * b[i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  /** Sum of {@code n} elements from {@code from}. */
  static float sum(float[] a, int from, int n) {
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    int i = from;
    int end = from + n;
    for (; i + 8 <= end; i += 8) {
      s0 += a[i];
      s1 += a[i + 1];
      s2 += a[i + 2];
      s3 += a[i + 3];
      s4 += a[i + 4];
      s5 += a[i + 5];
      s6 += a[i + 6];
      s7 += a[i + 7];
    }
    for (; i < end; i++) {
      s0 += a[i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  /**
   * Largest of {@code n} elements from {@code from}, NaN left out; -infinity where there is none.
   */
  static float max(float[] a, int from, int n) {
    float m0 = Float.NEGATIVE_INFINITY, m1 = m0, m2 = m0, m3 = m0;
    int i = from;
    int end = from + n;
    for (; i + 4 <= end; i += 4) {
      m0 = a[i] > m0 ? a[i] : m0;
      m1 = a[i + 1] > m1 ? a[i + 1] : m1;
      m2 = a[i + 2] > m2 ? a[i + 2] : m2;
      m3 = a[i + 3] > m3 ? a[i + 3] : m3;
    }
    for (; i < end; i++) {
      m0 = a[i] > m0 ? a[i] : m0;
    }
    return Math.max(Math.max(m0, m1), Math.max(m2, m3));
  }

  /**
   * Logistic function of {@code n} elements, through a rational approximation of tanh(x/2) whose
   * worst error is a few units in the last place; plain arithmetic, so that it is vectorised.
   */
  static void sigmoid(float[] x, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      float t = Math.max(-7.905311f, Math.min(7.905311f, 0.5f * x[i]));
      float s = t * t;
      float p =
          t
              * (0.0048935246f
                  + s
                      * (0.00063726195f
                          + s
                              * (0.0000148572235f
                                  + s
                                      * (5.1222973E-8f
                                          + s
                                              * (-8.604672E-11f
                                                  + s * (2.000188E-13f + s * -2.7607684E-16f))))));
      float q = 0.004893525f + s * (0.0022684347f + s * (0.00011853471f + s * 0.0000011982584f));
      out[i] = 0.5f + 0.5f * (p / q);
    }
  }
}
