package org.talespark.zoo.attributes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class FrechetDistanceTest {
  private static final int WIDTH = 5;

  /** Correlated, shifted and scaled samples. */
  private static List<float[]> samples(int n, double shift, double scale, long seed) {
    Random random = new Random(seed);
    List<float[]> samples = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      float[] sample = new float[WIDTH];
      double common = random.nextGaussian();
      for (int j = 0; j < WIDTH; j++) {
        sample[j] = (float) (shift * j + scale * (random.nextGaussian() * (1 + j) + common));
      }
      samples.add(sample);
    }
    return samples;
  }

  /** Two samples along each axis, whose covariance is exactly diagonal. */
  private static List<float[]> diagonal(double[] mean, double[] deviations) {
    List<float[]> samples = new ArrayList<>();
    int n = 2 * mean.length;
    for (int axis = 0; axis < mean.length; axis++) {
      for (int sign = -1; sign <= 1; sign += 2) {
        float[] sample = new float[mean.length];
        for (int j = 0; j < mean.length; j++) {
          double away = j == axis ? sign * deviations[j] * Math.sqrt((n - 1) / 2.0) : 0;
          sample[j] = (float) (mean[j] + away);
        }
        samples.add(sample);
      }
    }
    return samples;
  }

  @Test
  void aSetHasNoDistanceToItself() {
    List<float[]> set = samples(40, 0.3, 2, 1);
    assertThat(FrechetDistance.between(set, set)).isCloseTo(0, Offset.offset(1e-9));
  }

  @Test
  void diagonalGaussiansHaveTheirClosedForm() {
    double[] m = {1, -2, 0.5};
    double[] n = {0, 1, 0.25};
    double[] s = {1, 3, 0.5};
    double[] t = {2, 0.25, 4};
    double expected = 0;
    for (int i = 0; i < 3; i++) {
      expected += (m[i] - n[i]) * (m[i] - n[i]) + (s[i] - t[i]) * (s[i] - t[i]);
    }
    assertThat(FrechetDistance.between(diagonal(m, s), diagonal(n, t)))
        .isCloseTo(expected, Offset.offset(1e-5 * expected));
  }

  @Test
  void theDistanceIsTheSameFromBothSides() {
    List<float[]> a = samples(40, 0.3, 2, 1);
    List<float[]> b = samples(30, -0.1, 1, 2);
    double distance = FrechetDistance.between(a, b);
    assertThat(distance).isGreaterThan(1);
    assertThat(FrechetDistance.between(b, a)).isCloseTo(distance, Offset.offset(1e-9 * distance));
  }

  @Test
  void rotatingAndShiftingBothSetsChangesNothing() {
    List<float[]> a = samples(40, 0.3, 2, 1);
    List<float[]> b = samples(30, -0.1, 1, 2);
    double distance = FrechetDistance.between(a, b);
    double[][] rotation = rotation();
    assertThat(FrechetDistance.between(rotated(a, rotation), rotated(b, rotation)))
        .isCloseTo(distance, Offset.offset(1e-5 * distance));
    assertThat(FrechetDistance.between(rotated(a, rotation), b)).isGreaterThan(1.1 * distance);
  }

  @Test
  void scalingBothSetsScalesTheDistanceByTheSquare() {
    double distance = FrechetDistance.between(samples(40, 0.3, 2, 1), samples(40, 0.3, 1, 1));
    double doubled = FrechetDistance.between(samples(40, 0.6, 4, 1), samples(40, 0.6, 2, 1));
    assertThat(doubled).isCloseTo(4 * distance, Offset.offset(1e-4 * distance));
  }

  @Test
  void theIntervalHoldsTheDistanceAndNarrowsWithMoreSamples() {
    double[] widths = new double[2];
    for (int i = 0; i < 2; i++) {
      int n = i == 0 ? 100 : 2000;
      List<float[]> a = samples(n, 0.3, 2, 1);
      List<float[]> b = samples(n, 0, 1, 2);
      Estimate estimate = FrechetDistance.estimate(a, b);
      assertThat(estimate.value()).isEqualTo(FrechetDistance.between(a, b));
      assertThat(estimate.low()).isLessThan(estimate.value()).isNotNegative();
      assertThat(estimate.high()).isGreaterThan(estimate.value());
      widths[i] = estimate.high() - estimate.low();
    }
    assertThat(widths[1]).isLessThan(widths[0] / 2);
  }

  @Test
  void tooFewSamplesAndOddOnesAreRefused() {
    List<float[]> enough = samples(40, 0, 1, 1);
    assertThatThrownBy(() -> FrechetDistance.between(samples(5, 0, 1, 1), enough))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("samples=5, expected at least one more than the 5 features");
    assertThatThrownBy(() -> FrechetDistance.between(enough, List.of()))
        .hasMessageContaining("samples=0");
    assertThat(FrechetDistance.least(5)).isEqualTo(7);
    FrechetDistance.estimate(samples(7, 0, 1, 1), enough);
    assertThatThrownBy(() -> FrechetDistance.estimate(samples(6, 0, 1, 1), enough))
        .hasMessageContaining("samples=6, expected at least 7");
    assertThatThrownBy(
            () -> FrechetDistance.between(enough, diagonal(new double[2], new double[2])))
        .hasMessageContaining("features=5 and 2");
    List<float[]> broken = samples(40, 0, 1, 1);
    broken.get(3)[2] = Float.NaN;
    assertThatThrownBy(() -> FrechetDistance.between(broken, enough))
        .hasMessageContaining("sample=3 feature=2 is NaN");
  }

  private static double[][] rotation() {
    Random random = new Random(7);
    double[][] q = new double[WIDTH][WIDTH];
    for (int i = 0; i < WIDTH; i++) { // Gram-Schmidt
      for (int j = 0; j < WIDTH; j++) {
        q[i][j] = random.nextGaussian();
      }
      for (int k = 0; k < i; k++) {
        double along = dot(q[i], q[k]);
        for (int j = 0; j < WIDTH; j++) {
          q[i][j] -= along * q[k][j];
        }
      }
      double length = Math.sqrt(dot(q[i], q[i]));
      for (int j = 0; j < WIDTH; j++) {
        q[i][j] /= length;
      }
    }
    return q;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static List<float[]> rotated(List<float[]> samples, double[][] rotation) {
    List<float[]> rotated = new ArrayList<>();
    for (float[] sample : samples) {
      float[] turned = new float[WIDTH];
      for (int i = 0; i < WIDTH; i++) {
        double sum = 3 + i; // and shifted
        for (int j = 0; j < WIDTH; j++) {
          sum += rotation[i][j] * sample[j];
        }
        turned[i] = (float) sum;
      }
      rotated.add(turned);
    }
    return rotated;
  }
}
