package org.talespark.zoo.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  @Test
  void constantKeepsTheRate() {
    assertThat(new Schedule.Constant().factor(0, 0)).isEqualTo(1);
    assertThat(new Schedule.Constant().factor(1_000_000, 1)).isEqualTo(1);
    assertThat(new Schedule.Constant(4).factor(0, 0)).isEqualTo(0.25);
    assertThat(new Schedule.Constant(4).factor(3, 0)).isEqualTo(1);
  }

  @Test
  void linearIsPinned() {
    Schedule linear = new Schedule.Linear(10, 110, 0.2);
    assertThat(linear.factor(0, 0)).isEqualTo(0.1);
    assertThat(linear.factor(4, 0)).isEqualTo(0.5);
    assertThat(linear.factor(9, 0)).isEqualTo(1);
    assertThat(linear.factor(10, 0)).isEqualTo(1);
    assertThat(linear.factor(60, 0)).isCloseTo(0.6, within(1e-15));
    assertThat(linear.factor(110, 0)).isCloseTo(0.2, within(1e-15));
    assertThat(linear.factor(500, 0)).isCloseTo(0.2, within(1e-15));
  }

  @Test
  void cosineIsPinned() {
    Schedule cosine = new Schedule.WarmupCosine(10, 110, 0.1);
    assertThat(cosine.factor(0, 0)).isEqualTo(0.1);
    assertThat(cosine.factor(10, 0)).isEqualTo(1);
    assertThat(cosine.factor(35, 0)).isCloseTo(0.1 + 0.45 * (1 + Math.sqrt(0.5)), within(1e-15));
    assertThat(cosine.factor(60, 0)).isCloseTo(0.55, within(1e-15));
    assertThat(cosine.factor(110, 0)).isCloseTo(0.1, within(1e-15));
    assertThat(cosine.factor(111, 0)).isCloseTo(0.1, within(1e-15));
  }

  @Test
  void withoutTotalTheRunsProgressCounts() {
    Schedule cosine = new Schedule.WarmupCosine(0, 0, 0);
    assertThat(cosine.factor(0, 0)).isEqualTo(1);
    assertThat(cosine.factor(7, 0.5)).isCloseTo(0.5, within(1e-15));
    assertThat(cosine.factor(9, 1)).isCloseTo(0, within(1e-15));
    assertThat(new Schedule.Linear(0, 0, 0).factor(0, 0.25)).isEqualTo(0.75);
  }

  @Test
  void positionsOutsideTheRunAreRefused() {
    assertThatThrownBy(() -> new Schedule.Constant().factor(-1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("step=-1");
    assertThatThrownBy(() -> new Schedule.Linear(0, 0, 0).factor(0, Double.NaN))
        .hasMessageContaining("progress=NaN");
  }

  @Property
  void evenProgressEqualsCountingSteps(
      @ForAll @IntRange(max = 500) int warmup,
      @ForAll @IntRange(min = 1, max = 2000) int more,
      @ForAll @IntRange(max = 3000) int step,
      @ForAll @DoubleRange(max = 1) double end) {
    long total = warmup + (long) more;
    double progress = Math.min(1, step / (double) total);
    if (step <= total) {
      assertThat(new Schedule.WarmupCosine(warmup, 0, end).factor(step, progress))
          .isCloseTo(new Schedule.WarmupCosine(warmup, total, end).factor(step, 0), within(1e-12));
      assertThat(new Schedule.Linear(warmup, 0, end).factor(step, progress))
          .isCloseTo(new Schedule.Linear(warmup, total, end).factor(step, 0), within(1e-12));
    }
  }

  @Property
  void factorsStayBetweenZeroAndOne(
      @ForAll @IntRange(max = 500) int warmup,
      @ForAll @IntRange(max = 100_000) int step,
      @ForAll @DoubleRange(max = 1) double progress,
      @ForAll @DoubleRange(max = 1) double end) {
    for (Schedule schedule :
        new Schedule[] {
          new Schedule.Constant(warmup),
          new Schedule.Linear(warmup, 0, end),
          new Schedule.Linear(warmup, 1000, end),
          new Schedule.WarmupCosine(warmup, 0, end),
          new Schedule.WarmupCosine(warmup, 1000, end)
        }) {
      assertThat(schedule.factor(step, progress)).isBetween(0.0, 1.0);
    }
  }
}
