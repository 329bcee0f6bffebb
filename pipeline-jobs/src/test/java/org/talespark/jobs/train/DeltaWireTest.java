package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.talespark.zoo.io.HalfFloats;

class DeltaWireTest {

  private static double[] normals(int count, double scale) {
    Random random = new Random(4);
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    return values;
  }

  @Test
  void fullKeepsEveryBitOfTheRunsPrecision() {
    double[] single = normals(1001, 1e-4);
    assertThat(DeltaWire.decode(DeltaWire.FULL.encode(single, true))).isEqualTo(single);
    double[] exact = {Math.PI, -1e-300, 0, 1e300};
    assertThat(DeltaWire.decode(DeltaWire.FULL.encode(exact, false))).isEqualTo(exact);
    assertThat(DeltaWire.decode(DeltaWire.HALF.encode(exact, false))).isEqualTo(exact);
  }

  @Test
  void halfKeepsElevenBitsWhateverTheScale() {
    for (double scale : new double[] {1e-30, 1e-8, 1e-3, 1, 1e5, 1e30}) {
      double[] values = normals(4097, scale);
      byte[] bytes = DeltaWire.HALF.encode(values, true);
      assertThat(bytes).hasSizeLessThan(2 * values.length + 16);
      double[] back = DeltaWire.decode(bytes);
      for (int i = 0; i < values.length; i++) {
        assertThat(back[i]).isCloseTo(values[i], within(Math.abs(values[i]) * 0x1p-11));
      }
    }
  }

  @Test
  void halfIsEachValueScaledAndRoundedByItself() {
    for (int count : new int[] {0, 1, 2, 2049, 4100}) {
      double[] values = normals(count, 1e-5);
      double largest = 0;
      for (double value : values) {
        largest = Math.max(largest, Math.abs(value));
      }
      double factor = largest == 0 ? 1 : Math.scalb(1.0, 14 - Math.getExponent(largest));
      double[] expected = new double[count];
      for (int i = 0; i < count; i++) {
        short half = HalfFloats.toHalf((float) (values[i] * factor));
        expected[i] = HalfFloats.fromHalf(half) / factor;
      }
      assertThat(DeltaWire.decode(DeltaWire.HALF.encode(values, true))).isEqualTo(expected);
    }
  }

  @Test
  void halfKeepsTheLargestValueZerosAndWhatIsNotFinite() {
    double largest = Float.MAX_VALUE;
    double[] values = {largest, 0, -largest};
    assertThat(DeltaWire.decode(DeltaWire.HALF.encode(values, true))[0])
        .isCloseTo(largest, within(largest * 0x1p-11));
    assertThat(DeltaWire.decode(DeltaWire.HALF.encode(new double[3], true))).containsOnly(0);
    double[] odd = {Double.NaN, Double.POSITIVE_INFINITY, 1};
    double[] back = DeltaWire.decode(DeltaWire.HALF.encode(odd, true));
    assertThat(back[0]).isNaN();
    assertThat(back[1]).isInfinite();
    assertThat(back[2]).isEqualTo(1);
  }
}
