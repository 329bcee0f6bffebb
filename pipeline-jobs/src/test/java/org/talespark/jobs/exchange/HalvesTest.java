package org.talespark.jobs.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.talespark.zoo.io.HalfFloats;

class HalvesTest {
  private static final int NEUTRAL = 0;

  private final Halves halves = new Halves();

  /** What a half is worth, from the definition of binary16. */
  private static float value(int half) {
    int exponent = half >> 10 & 31;
    int fraction = half & 1023;
    double magnitude =
        exponent == 31
            ? fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN
            : exponent == 0
                ? Math.scalb((double) fraction, -24)
                : Math.scalb(1024.0 + fraction, exponent - 25);
    return (float) ((half & 0x8000) == 0 ? magnitude : -magnitude);
  }

  /** The nearest half by search among all of them; of two, the even one. */
  private static int nearest(float x) {
    if (Float.isNaN(x)) {
      return 0x7e00 | (Float.floatToRawIntBits(x) >>> 16 & 0x8000);
    }
    double magnitude = Math.abs((double) x);
    int low = 0;
    int high = 0x7c00;
    while (high - low > 1) {
      int middle = (low + high) / 2;
      if (value(middle) <= magnitude) {
        low = middle;
      } else {
        high = middle;
      }
    }
    double above = high == 0x7c00 ? 65536 : value(high); // as if the exponents went on
    double down = magnitude - value(low);
    double up = above - magnitude;
    boolean takeLow = magnitude < 65536 && (down < up || (down == up && low % 2 == 0));
    int half = magnitude >= 65536 ? 0x7c00 : takeLow ? low : high;
    return half | (Float.floatToRawIntBits(x) >>> 16 & 0x8000);
  }

  private IntBuffer packed(float[] values, int exponent, boolean settle) {
    IntBuffer out = Values.direct(Halves.bytes(values.length)).asIntBuffer();
    FloatBuffer in = FloatBuffer.wrap(values);
    halves.pack(in, exponent, out, settle);
    return out;
  }

  private static int[] bits(IntBuffer packed, int n) {
    int half = (n + 1) / 2;
    int[] bits = new int[n];
    for (int i = 0; i < n; i++) {
      bits[i] = i < half ? packed.get(i) & 0xffff : packed.get(i - half) >>> 16;
    }
    return bits;
  }

  private static void assertSameFloats(float[] actual, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      boolean same =
          Float.isNaN(expected[i])
              ? Float.isNaN(actual[i])
              : Float.floatToRawIntBits(actual[i]) == Float.floatToRawIntBits(expected[i]);
      if (!same) {
        assertThat(actual[i]).as("element %d", i).isEqualTo(expected[i]);
      }
    }
  }

  @Test
  void everyHalfComesBackAsItWas() {
    float[] all = new float[1 << 16];
    for (int half = 0; half < all.length; half++) {
      all[half] = value(half);
    }
    int[] bits = bits(packed(all, NEUTRAL, false), all.length);
    for (int half = 0; half < all.length; half++) {
      if (!Float.isNaN(all[half])) {
        assertThat(bits[half]).isEqualTo(half);
      } else {
        assertThat(bits[half] & 0x7fff).as("NaN %x", half).isGreaterThan(0x7c00);
      }
    }
    float[] back = new float[all.length];
    halves.unpack(packed(all, NEUTRAL, false), 0, NEUTRAL, FloatBuffer.wrap(back), false);
    assertSameFloats(back, all);
  }

  @Test
  void arraysConvertAsSingleNumbersDo() {
    float[] all = new float[1 << 16];
    ByteBuffer bytes = Values.direct(Halves.bytes(all.length));
    for (int half = 0; half < all.length / 2; half++) {
      bytes.putInt(4 * half, half | (half + all.length / 2) << 16);
    }
    halves.unpack(bytes.asIntBuffer(), 0, NEUTRAL, FloatBuffer.wrap(all), false);
    float[] one = new float[all.length];
    for (int half = 0; half < all.length; half++) {
      one[half] = HalfFloats.fromHalf((short) half);
    }
    assertSameFloats(all, one);

    // each half, the middle between it and its neighbour, and what is next to the middle
    float[] values = new float[8 * 0x7c00 + 7];
    for (int half = 0; half < 0x7c00; half++) {
      float value = value(half);
      float middle = half == 0x7bff ? 65520 : (value + value(half + 1)) / 2;
      float[] around = {value, Math.nextDown(middle), middle, Math.nextUp(middle)};
      for (int i = 0; i < around.length; i++) {
        values[8 * half + i] = around[i];
        values[8 * half + 4 + i] = -around[i];
      }
    }
    float[] odd = {
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN,
      Float.intBitsToFloat(0xff80_0001), // a NaN whose upper bits are an infinity's
      Float.MAX_VALUE,
      Float.MIN_VALUE,
      -Float.MIN_VALUE
    };
    System.arraycopy(odd, 0, values, 8 * 0x7c00, odd.length);
    int[] bits = bits(packed(values, NEUTRAL, false), values.length);
    for (int i = 0; i < values.length; i++) {
      int single = HalfFloats.toHalf(values[i]) & 0xffff;
      boolean nan = Float.isNaN(values[i]);
      if (nan ? (bits[i] & 0x7fff) <= 0x7c00 || (single & 0x7fff) <= 0x7c00 : bits[i] != single) {
        assertThat(bits[i]).as("%s", values[i]).isEqualTo(single);
      }
    }
  }

  @Test
  void anyFloatBecomesTheNearestHalfAndTiesTheEvenOne() {
    Random random = new Random(1);
    float[] values = new float[200_001];
    for (int i = 0; i < values.length; i++) {
      int half = random.nextInt(0x7c00);
      values[i] =
          switch (i % 5) {
            case 0 -> Float.intBitsToFloat(random.nextInt()); // anything at all
            case 1 -> (value(half) + value(Math.min(half + 1, 0x7bff))) / 2; // ties
            case 2 -> Math.nextUp((value(half) + value(Math.min(half + 1, 0x7bff))) / 2);
            case 3 -> -Math.nextDown((value(half) + value(Math.min(half + 1, 0x7bff))) / 2);
            default -> (float) random.nextGaussian() * 1e-6f; // subnormal halves
          };
    }
    int[] bits = bits(packed(values, NEUTRAL, false), values.length);
    for (int i = 0; i < values.length; i++) {
      boolean nan = Float.isNaN(values[i]);
      int expected = nearest(values[i]);
      if (nan ? (bits[i] & 0x7fff) <= 0x7c00 : bits[i] != expected) {
        assertThat(bits[i]).as("%s", values[i]).isEqualTo(expected);
      }
    }
  }

  @Test
  void theBordersOfTheRangeRoundAsTheStandardSays() {
    float[] values = {65504, 65519.99f, 65520, 65536, 1e30f, -65520, 5.9604645e-8f, 2.9802322e-8f};
    assertThat(bits(packed(values, NEUTRAL, false), values.length))
        .containsExactly(0x7bff, 0x7bff, 0x7c00, 0x7c00, 0x7c00, 0xfc00, 1, 0);
  }

  @Test
  void scaledValuesKeepElevenBitsOver29PowersOfTwo() {
    Random random = new Random(2);
    for (int power : new int[] {-100, -60, -3, 0, 7, 90, 126}) {
      float[] values = new float[3001];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            (float) Math.scalb(1 + random.nextDouble(), power - random.nextInt(29))
                * (random.nextBoolean() ? 1 : -1);
      }
      values[17] = Math.scalb(1.5f, power);
      int exponent = halves.exponent(FloatBuffer.wrap(values));
      float[] settled = values.clone();
      IntBuffer packed = packed(settled, exponent, true);
      for (int i = 0; i < values.length; i++) {
        assertThat(Math.abs(settled[i] - values[i]))
            .isLessThanOrEqualTo(Math.abs(values[i] / 2048));
      }
      float[] received = new float[values.length];
      halves.unpack(packed, 0, exponent, FloatBuffer.wrap(received), false);
      assertSameFloats(received, settled);
    }
  }

  @Test
  void whatIsNotFiniteSurvivesAndDoesNotTouchTheScale() {
    float[] values = {Float.NEGATIVE_INFINITY, 1e-20f, Float.NaN, -0f, Float.POSITIVE_INFINITY};
    int exponent = halves.exponent(FloatBuffer.wrap(values));
    float[] settled = values.clone();
    packed(settled, exponent, true);
    assertThat(settled[1]).isCloseTo(1e-20f, org.assertj.core.data.Percentage.withPercentage(0.05));
    assertThat(settled[0]).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(settled[2]).isNaN();
    assertThat(Float.floatToRawIntBits(settled[3])).isEqualTo(0x8000_0000);
    assertThat(settled[4]).isEqualTo(Float.POSITIVE_INFINITY);
    float[] tiny = {Float.MIN_VALUE, 0, -3 * Float.MIN_VALUE};
    float[] same = tiny.clone();
    packed(same, halves.exponent(FloatBuffer.wrap(tiny)), true);
    assertThat(same).containsExactly(tiny);
  }

  @Test
  void piecesOfAnyLengthUnpackAndAddLikeTheWhole() {
    Random random = new Random(3);
    for (int n : new int[] {1, 2, 3, 2047, 2048, 2049, 5000}) {
      float[] values = new float[n];
      for (int i = 0; i < n; i++) {
        values[i] = random.nextFloat();
      }
      ByteBuffer bytes = Values.direct(Halves.bytes(n));
      halves.pack(FloatBuffer.wrap(values), -14, bytes.asIntBuffer(), true);
      float[] sum = new float[n];
      java.util.Arrays.fill(sum, 1);
      FloatBuffer target = FloatBuffer.wrap(sum);
      Runs runs =
          new Runs(4, (at, run) -> halves.unpack(run.asIntBuffer(), at / 4, -14, target, true));
      while (bytes.hasRemaining()) {
        int length = Math.min(bytes.remaining(), 1 + random.nextInt(700));
        runs.take(bytes.slice(bytes.position(), length));
        bytes.position(bytes.position() + length);
      }
      for (int i = 0; i < n; i++) {
        assertThat(sum[i]).isEqualTo(1 + values[i]);
      }
    }
  }
}
