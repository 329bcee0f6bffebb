package org.talespark.zoo.attributes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EstimateTest {

  /** The ends are where the share is 1.96 standard errors from the observed one. */
  @ParameterizedTest
  @CsvSource({"3, 10", "97, 100", "1, 2", "400, 1000"})
  void theEndsOfAShareSolveTheScoreEquation(long hits, long count) {
    Estimate estimate = Estimate.ofShare(hits, count);
    double share = (double) hits / count;
    assertThat(estimate.value()).isEqualTo(share);
    for (double end : new double[] {estimate.low(), estimate.high()}) {
      double deviations = Math.abs(share - end) / Math.sqrt(end * (1 - end) / count);
      assertThat(deviations).isCloseTo(1.959964, Offset.offset(1e-9));
    }
    assertThat(estimate.low()).isLessThan(share);
  }

  @Test
  void allAndNoneHaveIntervalsInsideZeroToOne() {
    assertThat(Estimate.ofShare(0, 20).low()).isZero();
    assertThat(Estimate.ofShare(0, 20).high()).isBetween(0.1, 0.2);
    assertThat(Estimate.ofShare(20, 20).high()).isEqualTo(1);
    assertThat(Estimate.ofShare(20, 20).low()).isBetween(0.8, 0.9);
  }

  /** Of a mean the jackknife is the standard error of the mean. */
  @Test
  void theJackknifeOfAMeanIsItsStandardError() {
    Random random = new Random(3);
    double[] values = random.doubles(50).toArray();
    double mean = Arrays.stream(values).average().orElseThrow();
    double[] without = Arrays.stream(values).map(v -> (50 * mean - v) / 49).toArray();
    double variance = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / 49;
    Estimate estimate = Estimate.jackknife(mean, without);
    double half = 1.959964 * Math.sqrt(variance / 50);
    assertThat(estimate.low()).isCloseTo(mean - half, Offset.offset(1e-12));
    assertThat(estimate.high()).isCloseTo(mean + half, Offset.offset(1e-12));
  }

  @Test
  void sharesOfNothingAndASingleGroupAreRefused() {
    assertThatThrownBy(() -> Estimate.ofShare(0, 0)).hasMessageContaining("count=0");
    assertThatThrownBy(() -> Estimate.ofShare(3, 2)).hasMessageContaining("hits=3 count=2");
    assertThatThrownBy(() -> Estimate.jackknife(1, new double[] {1}))
        .hasMessageContaining("groups=1");
  }
}
