package org.talespark.jobs.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * Floats in half precision (IEEE 754 binary16: 5 bits of exponent, 10 of fraction), scaled by a
 * power of two.
 *
 * <p>The scale brings the largest finite magnitude of a chunk into [2^14, 2^15), so that nothing
 * overflows; what is at least 2^-29 of it keeps 11 significant bits, below that the last bit stays
 * at 2^-39 of it. Rounding is to nearest, ties to even; infinities, NaN and signed zeros survive.
 * (A magnitude that rounds to 2^128 becomes infinite.)
 *
 * <p>n elements take (n + 1) / 2 integers: integer i holds element i in its lower half and element
 * (n + 1) / 2 + i in its upper one. Values of 16 bits in arrays of integers, arithmetic instead of
 * branches, minima and maxima, and reinterpretation by way of memory are what the JIT compiler of
 * Java 17 turns into vector instructions.
 *
 * <p>Rounding works by adding a power of two: in {@code |x| + 2^(E + 13)}, where {@code 2^E <= |x|
 * < 2^(E + 1)}, the last bit of the sum's fraction is worth {@code 2^(E - 10)}, the last bit of a
 * half, and the processor rounds to it. With E at least -14 the same sum rounds subnormals.
 *
 * <p>Not thread-safe; one instance a user.
 */
public final class Halves {
  private static final int BLOCK = 1024;

  private static final int MIN_EXPONENT = -126;
  private static final int MAX_EXPONENT = 113;

  /** Where the scale brings the largest magnitude. */
  private static final int TOP = 14;

  private static final int SIGN = 0x8000_0000;
  private static final int INFINITY = 0x7f80_0000;
  private static final int FRACTION_BITS = 23;
  private static final int BIAS = 127;
  private static final int LOST_BITS = 13;
  private static final int LEAST_NORMAL = (BIAS - 14) << FRACTION_BITS;
  private static final int LEAST_MAGIC = LEAST_NORMAL + (LOST_BITS << FRACTION_BITS);
  private static final int LAST_BELOW_TOO_LARGE = ((BIAS + 16) << FRACTION_BITS) - 1;

  private static final int HALF_INFINITY = 0x7c00;
  private static final int HALF_QUIET = 0x0200;
  private static final int HALF_LARGEST = 0x7bff;
  private static final int DECODE_BIAS = 125;

  private final float[] x = new float[BLOCK];
  private final float[] y = new float[BLOCK];
  private final int[] bits = new int[BLOCK];
  private final int[] magic = new int[BLOCK];
  private final int[] signs = new int[BLOCK];
  private final int[] low = new int[BLOCK];
  private final int[] high = new int[BLOCK];
  private final FloatBuffer asFloats;
  private final IntBuffer asInts;

  /** With memory of its own for the conversion. */
  public Halves() {
    ByteBuffer memory =
        ByteBuffer.allocateDirect(BLOCK * Float.BYTES).order(ByteOrder.nativeOrder());
    this.asFloats = memory.asFloatBuffer();
    this.asInts = memory.asIntBuffer();
  }

  /** Bytes that so many elements take. */
  public static int bytes(int elements) {
    return (elements + 1) / 2 * Integer.BYTES;
  }

  /** Whether {@link #exponent} could have given this. */
  static boolean isExponent(int exponent) {
    return exponent >= MIN_EXPONENT && exponent <= MAX_EXPONENT;
  }

  /** The power of two that these values are to be divided by. */
  int exponent(FloatBuffer values) {
    Arrays.fill(low, 0);
    for (int at = 0; at < values.limit(); at += BLOCK) {
      int n = Math.min(BLOCK, values.limit() - at);
      values.get(at, x, 0, n);
      toBits(x, bits, n);
      largestFinite(bits, low, n);
    }
    int largest = 0;
    for (int candidate : low) {
      largest = Math.max(largest, candidate);
    }
    return Math.max(MIN_EXPONENT, (largest >> FRACTION_BITS) - BIAS - TOP);
  }

  /** Place by place, since the compiler makes no vectors of a maximum over a loop. */
  private static void largestFinite(int[] bits, int[] largest, int n) {
    for (int i = 0; i < n; i++) {
      int magnitude = bits[i] & ~SIGN;
      int finite = magnitude & ((magnitude - INFINITY) >> 31);
      int less = largest[i] - finite;
      largest[i] -= less & (less >> 31);
    }
  }

  /**
   * Packs values.
   *
   * @param out as many integers as they take
   * @param settle whether the values become what a receiver will make of them
   */
  public void pack(FloatBuffer values, int exponent, IntBuffer out, boolean settle) {
    int n = values.limit();
    int half = (n + 1) / 2;
    for (int at = 0; at < half; at += BLOCK) {
      int lower = Math.min(BLOCK, half - at);
      int upper = Math.min(lower, n - half - at);
      encode(values, at, lower, exponent, low);
      high[lower - 1] = 0; // what stands beside the last of an odd number
      encode(values, half + at, upper, exponent, high);
      if (settle) {
        decode(low, lower, exponent);
        values.put(at, x, 0, lower);
        decode(high, upper, exponent);
        values.put(half + at, x, 0, upper);
      }
      join(low, high, lower);
      out.put(at, low, 0, lower);
    }
  }

  private static void join(int[] low, int[] high, int n) {
    for (int i = 0; i < n; i++) {
      low[i] |= high[i] << 16;
    }
  }

  /**
   * Unpacks some integers of a packed chunk.
   *
   * @param packed the integers from {@code first} on
   * @param values all elements of the chunk
   * @param add whether they are added, instead of replacing what is there
   */
  public void unpack(IntBuffer packed, int first, int exponent, FloatBuffer values, boolean add) {
    int n = values.limit();
    int half = (n + 1) / 2;
    for (int i = 0; i < packed.limit(); i += BLOCK) {
      int at = first + i;
      int lower = Math.min(BLOCK, packed.limit() - i);
      int upper = Math.min(lower, n - half - at);
      packed.get(i, low, 0, lower);
      split(low, high, lower);
      store(low, lower, exponent, values, at, add);
      store(high, upper, exponent, values, half + at, add);
    }
  }

  private static void split(int[] low, int[] high, int n) {
    for (int i = 0; i < n; i++) {
      high[i] = low[i] >>> 16;
      low[i] &= 0xffff;
    }
  }

  private void store(int[] halves, int n, int exponent, FloatBuffer values, int at, boolean add) {
    decode(halves, n, exponent);
    if (add) {
      values.get(at, y, 0, n);
      plus(x, y, n);
    }
    values.put(at, x, 0, n);
  }

  private static void plus(float[] sum, float[] other, int n) {
    for (int i = 0; i < n; i++) {
      sum[i] += other[i];
    }
  }

  /** Values to the 16 bits of halves. */
  private void encode(FloatBuffer values, int at, int n, int exponent, int[] halves) {
    values.get(at, x, 0, n);
    scale(x, n, powerOfTwo(-exponent));
    toBits(x, bits, n);
    magicOf(bits, magic, n);
    toFloats(magic, y, n);
    addToMagnitude(y, x, n);
    toBits(y, halves, n);
    round(bits, magic, halves, n);
  }

  private static void scale(float[] values, int n, float by) {
    for (int i = 0; i < n; i++) {
      values[i] *= by;
    }
  }

  private static void magicOf(int[] bits, int[] magic, int n) {
    for (int i = 0; i < n; i++) {
      int above = (bits[i] & INFINITY) - LEAST_NORMAL;
      magic[i] = above - (above & (above >> 31)) + LEAST_MAGIC;
    }
  }

  private static void addToMagnitude(float[] magic, float[] values, int n) {
    for (int i = 0; i < n; i++) {
      magic[i] += Math.abs(values[i]);
    }
  }

  /** From the bits of the sums, in place; what is too large never had a sum that means anything. */
  private static void round(int[] bits, int[] magic, int[] halves, int n) {
    for (int i = 0; i < n; i++) {
      int magnitude = bits[i] & ~SIGN;
      int half = halves[i] - magic[i] + ((magic[i] - LEAST_MAGIC) >> LOST_BITS);
      int large = (LAST_BELOW_TOO_LARGE - magnitude) >> 31;
      int quiet = ((INFINITY - magnitude) >> 31) & HALF_QUIET;
      half = (half & ~large) | (HALF_INFINITY & large) | quiet;
      halves[i] = half | ((bits[i] & SIGN) >>> 16);
    }
  }

  /** The 16 bits of halves to values, in {@code x}. */
  private void decode(int[] halves, int n, int exponent) {
    parts(halves, bits, magic, signs, n, Float.floatToRawIntBits(powerOfTwo(exponent)));
    toFloats(bits, x, n);
    toFloats(magic, y, n);
    subtract(x, y, n);
    toFloats(signs, y, n);
    multiply(x, y, n);
  }

  /**
   * A half is {@code units * 2^(base - 25)}: the difference of a power of two with the units in its
   * last bits and the bare power.
   */
  private static void parts(int[] halves, int[] bits, int[] magic, int[] signs, int n, int scale) {
    for (int i = 0; i < n; i++) {
      int magnitude = halves[i] & 0x7fff;
      int exponent = magnitude >> 10;
      int base = exponent + ((exponent - 1) >>> 31); // that of subnormals is 1 too
      int bare = (base + DECODE_BIAS) << FRACTION_BITS;
      int units = magnitude - ((base - 1) << 10);
      int special = (HALF_LARGEST - magnitude) >> 31;
      int infinite = INFINITY | ((magnitude & 0x3ff) << LOST_BITS);
      bits[i] = ((bare + units) & ~special) | (infinite & special);
      magic[i] = bare;
      signs[i] = scale | ((halves[i] & 0x8000) << 16);
    }
  }

  private static void subtract(float[] values, float[] others, int n) {
    for (int i = 0; i < n; i++) {
      values[i] -= others[i];
    }
  }

  private static void multiply(float[] values, float[] others, int n) {
    for (int i = 0; i < n; i++) {
      values[i] *= others[i];
    }
  }

  private static float powerOfTwo(int exponent) {
    return Float.intBitsToFloat((BIAS + exponent) << FRACTION_BITS);
  }

  private void toBits(float[] from, int[] into, int n) {
    asFloats.put(0, from, 0, n);
    asInts.get(0, into, 0, n);
  }

  private void toFloats(int[] from, float[] into, int n) {
    asInts.put(0, from, 0, n);
    asFloats.get(0, into, 0, n);
  }
}
