package org.talespark.zoo.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class NormalTest {

  private static float[] values(long key, int count) {
    float[] values = new float[count];
    Normal.fill(key, values, 0, count);
    return values;
  }

  /** The formula as it stands in books. */
  private static double[] ofBoxAndMuller(long key, int count) {
    SplittableRandom random = new SplittableRandom(key);
    double[] values = new double[count];
    for (int i = 0; i < count; i += 2) {
      double radius = Math.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
      double angle = 2 * Math.PI * random.nextDouble();
      values[i] = radius * StrictMath.cos(angle);
      values[i + 1] = radius * StrictMath.sin(angle);
    }
    return values;
  }

  @Test
  void valuesAreThoseOfBoxAndMuller() {
    double[] expected = ofBoxAndMuller(9, 200_000);
    float[] values = values(9, expected.length);
    double[] wide =
        Normal.fill(9, "w", 1, new long[] {400, 500}, DataType.DOUBLE)
            .reshape(expected.length)
            .toDoubleVector();
    double[] named = ofBoxAndMuller(Uniform.mix(9, "w"), expected.length);
    double largest = 0;
    double largestNamed = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(values[i] - expected[i]));
      largestNamed = Math.max(largestNamed, Math.abs(wide[i] - named[i]));
    }
    assertThat(largest).isLessThan(3e-7); // half a unit in the last place of 4
    assertThat(largestNamed).isLessThan(1e-14);
  }

  @Test
  void valuesHaveTheMomentsAndTailsOfTheNormalDistribution() {
    float[] values = values(1, 1_000_000);
    double[] powers = new double[5];
    int beyondTwo = 0;
    int beyondFour = 0;
    for (float v : values) {
      double power = 1;
      for (int p = 0; p < powers.length; p++) {
        powers[p] += power / values.length;
        power *= v;
      }
      beyondTwo += Math.abs(v) > 2 ? 1 : 0;
      beyondFour += Math.abs(v) > 4 ? 1 : 0;
    }
    assertThat(powers[1]).isCloseTo(0, Offset.offset(0.004));
    assertThat(powers[2]).isCloseTo(1, Offset.offset(0.006));
    assertThat(powers[3]).isCloseTo(0, Offset.offset(0.016));
    assertThat(powers[4]).isCloseTo(3, Offset.offset(0.04));
    assertThat(beyondTwo / 1e6).isCloseTo(0.0455, Offset.offset(0.001));
    assertThat(beyondFour).isBetween(30, 100); // 63 are expected
  }

  @Test
  void aPartIsFilledAndNothingAroundIt() {
    float[] whole = values(5, 8);
    for (int count : new int[] {0, 1, 2, 5}) {
      float[] out = new float[9];
      Normal.fill(5, out, 3, count);
      for (int i = 0; i < out.length; i++) {
        assertThat(out[i]).isEqualTo(i >= 3 && i < 3 + count ? whole[i - 3] : 0);
      }
    }
  }

  @Test
  void aNameGivesTheSameValuesEveryTimeAndScalesThem() {
    double[] one =
        Normal.fill(2, "a", 1, new long[] {3, 3}, DataType.DOUBLE).reshape(9).toDoubleVector();
    double[] half =
        Normal.fill(2, "a", 0.5, new long[] {9}, DataType.DOUBLE).reshape(9).toDoubleVector();
    for (int i = 0; i < 9; i++) {
      assertThat(half[i]).isEqualTo(0.5 * one[i]);
    }
    assertThat(Normal.fill(2, "b", 1, new long[] {9}, DataType.DOUBLE).toDoubleVector())
        .isNotEqualTo(one);
  }
}
