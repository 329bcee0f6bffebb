package org.talespark.zoo.nn;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Normal random numbers that depend only on a seed and a name, or on a key, on every platform.
 *
 * <p>By the method of Box and Muller: a pair of them is r cos(2 pi v), r sin(2 pi v) with r =
 * sqrt(-2 log u), u uniform in (0, 1] and v in [0, 1). Logarithm, sine and cosine are series in
 * plain arithmetic, right to about 1e-15: several times as fast as StrictMath's, and unlike Math's
 * the same everywhere.
 */
public final class Normal {
  private static final long SQRT_HALF_BITS = 0x3fe6a09e667f3bcdL;
  private static final double LN_2 = 0.6931471805599453;

  private Normal() {}

  /** Values of mean 0 and the given standard deviation. */
  public static INDArray fill(
      long seed, String name, double deviation, long[] shape, DataType type) {
    SplittableRandom random = new SplittableRandom(Uniform.mix(seed, name));
    double[] values =
        new double[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
    double[] pair = new double[2];
    for (int i = 0; i < values.length; i += 2) {
      pair(random, pair);
      values[i] = deviation * pair[0];
      if (i + 1 < values.length) {
        values[i + 1] = deviation * pair[1];
      }
    }
    return Nd4j.createFromArray(values).reshape(shape).castTo(type);
  }

  /**
   * Values of mean 0 and variance 1 from the stream of a key, into a part of an array. Keys of
   * neighbouring numbers have streams that overlap, so a key should come out of a hash.
   */
  public static void fill(long key, float[] out, int from, int count) {
    SplittableRandom random = new SplittableRandom(key);
    double[] pair = new double[2];
    int last = from + count - 1;
    int i = from;
    for (; i < last; i += 2) {
      pair(random, pair);
      out[i] = (float) pair[0];
      out[i + 1] = (float) pair[1];
    }
    if (i == last) {
      pair(random, pair);
      out[i] = (float) pair[0];
    }
  }

  /** One value of mean 0 and variance 1. */
  public static double next(SplittableRandom random) {
    double[] pair = new double[2];
    pair(random, pair);
    return pair[0];
  }

  private static void pair(SplittableRandom random, double[] pair) {
    double radius = Math.sqrt(-2 * log(1 - random.nextDouble()));
    double turn = random.nextDouble();
    int quadrant = (int) (4 * turn + 0.5); // the nearest, 0 to 4
    double a = 2 * Math.PI * (turn - 0.25 * quadrant); // within pi/4 of it, by an exact difference
    double z = a * a;
    double sine = z / 355687428096000.0; // 1 / 17!
    sine = z * (sine - 1.0 / 1307674368000L);
    sine = z * (sine + 1.0 / 6227020800L);
    sine = z * (sine - 1.0 / 39916800);
    sine = z * (sine + 1.0 / 362880);
    sine = z * (sine - 1.0 / 5040);
    sine = z * (sine + 1.0 / 120);
    sine = a + a * (z * (sine - 1.0 / 6));
    double cosine = z / 20922789888000.0; // 1 / 16!
    cosine = z * (cosine - 1.0 / 87178291200L);
    cosine = z * (cosine + 1.0 / 479001600);
    cosine = z * (cosine - 1.0 / 3628800);
    cosine = z * (cosine + 1.0 / 40320);
    cosine = z * (cosine - 1.0 / 720);
    cosine = z * (cosine + 1.0 / 24);
    cosine = 1 + z * (cosine - 1.0 / 2);
    boolean across = (quadrant & 1) != 0;
    pair[0] = radius * (1 - ((quadrant + 1) & 2)) * (across ? sine : cosine);
    pair[1] = radius * (1 - (quadrant & 2)) * (across ? cosine : sine);
  }

  /**
   * Natural logarithm of a normal number x in (0, 1]: x = 2^k m with m in [sqrt(1/2), sqrt(2)), and
   * log m = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1) / (m + 1).
   */
  private static double log(double x) {
    long bits = Double.doubleToRawLongBits(x);
    long k = (bits - SQRT_HALF_BITS) >> 52;
    double m = Double.longBitsToDouble(bits - (k << 52));
    double s = (m - 1) / (m + 1);
    double z = s * s;
    double high = 1.0 / 13 + z * (1.0 / 15 + z * (1.0 / 17 + z * (1.0 / 19 + z / 21)));
    double low =
        1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9 + z * (1.0 / 11 + z * high))));
    return k * LN_2 + 2 * (s + s * z * low);
  }
}
