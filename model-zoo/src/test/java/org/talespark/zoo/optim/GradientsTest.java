package org.talespark.zoo.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Clipping and accumulation. */
class GradientsTest {
  private static final int LENGTH = 2 * FlatArray.BLOCK + 5;

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void clipsToTheLimitAndReportsTheNormBefore(DataType type) {
    INDArray gradients = Nd4j.createFromArray(3.0, 0.0, -4.0).castTo(type);
    INDArray untouched = gradients.dup();
    assertThat(new GradientClip(5).clip(gradients)).isEqualTo(5);
    assertThat(new GradientClip(Double.POSITIVE_INFINITY).clip(gradients)).isEqualTo(5);
    assertThat(gradients).isEqualTo(untouched);
    GradientClip clip = new GradientClip(1);
    assertThat(clip.clip(gradients)).isEqualTo(5);
    assertThat(gradients.getDouble(0)).isCloseTo(0.6, within(1e-6));
    assertThat(gradients.getDouble(2)).isCloseTo(-0.8, within(1e-6));
    assertThat(clip.clip(gradients)).isCloseTo(1, within(1e-6));
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void leavesGradientsThatAreNotFiniteAsTheyAre(DataType type) {
    for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      INDArray gradients = Nd4j.valueArrayOf(new long[] {LENGTH}, 2.0, type);
      gradients.putScalar(LENGTH - 1, bad);
      assertThat(new GradientClip(1).clip(gradients)).isNotFinite();
      assertThat(gradients.getDouble(0)).isEqualTo(2);
      assertThat(Double.valueOf(gradients.getDouble(LENGTH - 1))).isEqualTo(Double.valueOf(bad));
    }
  }

  @Test
  void normsOfLargeArraysAreSummedInDoublePrecision() {
    // 2^25 + 1 would be lost in single precision
    INDArray gradients = Nd4j.ones(DataType.FLOAT, LENGTH);
    gradients.putScalar(0, 0x1p13f);
    assertThat(new GradientClip(1e9).clip(gradients)).isEqualTo(Math.sqrt(0x1p26 + LENGTH - 1));
    assertThatThrownBy(() -> new GradientClip(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("clip_norm=0.0");
  }

  @Property(tries = 100)
  void theNormAfterClippingIsTheSmallerOfNormAndLimit(
      @ForAll @IntRange(min = 1, max = LENGTH) int length,
      @ForAll @DoubleRange(min = 0.01, max = 1000) double limit,
      @ForAll long seed) {
    INDArray gradients = Nd4j.createFromArray(new Random(seed).doubles(length, -9, 9).toArray());
    double norm = gradients.norm2Number().doubleValue();
    GradientClip clip = new GradientClip(limit);
    assertThat(clip.clip(gradients)).isCloseTo(norm, within(1e-12 * norm));
    double after = clip.clip(gradients);
    assertThat(after).isLessThanOrEqualTo(limit).isCloseTo(Math.min(norm, limit), within(2e-6));
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void microBatchesOfUnequalSizeGiveTheLargeBatch(DataType type) {
    // the gradient of the mean of (w x - y)^2 / 2 over samples
    int samples = 7;
    INDArray w = Nd4j.rand(type, LENGTH);
    INDArray x = Nd4j.rand(type, samples);
    INDArray expected = gradient(w, x, 0, samples);
    GradientAccumulator accumulator = new GradientAccumulator(LENGTH, type);
    INDArray stale = Nd4j.valueArrayOf(new long[] {LENGTH}, Double.NaN, type);
    for (int round = 0; round < 2; round++) {
      int from = 0;
      for (int size : new int[] {3, 1, 2, 1}) {
        accumulator.add(gradient(w, x, from, from + size), size);
        from += size;
      }
      assertThat(accumulator.samples()).isEqualTo(samples);
      accumulator.drainTo(stale);
      double distance = stale.distance2(expected) / expected.norm2Number().doubleValue();
      assertThat(distance).isLessThan(type == DataType.FLOAT ? 1e-6 : 1e-14);
    }
    assertThat(accumulator.samples()).isZero();
    assertThatThrownBy(() -> accumulator.drainTo(stale)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> accumulator.add(stale, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static INDArray gradient(INDArray w, INDArray x, int from, int to) {
    INDArray sum = Nd4j.create(w.dataType(), w.length());
    for (int i = from; i < to; i++) {
      double value = x.getDouble(i);
      sum.addi(w.mul(value).subi(1).muli(value));
    }
    return sum.divi(to - from);
  }

  @Test
  void oneMicroBatchIsTheBatchBitForBit() {
    INDArray gradients = Nd4j.rand(DataType.FLOAT, LENGTH);
    INDArray before = gradients.dup();
    GradientAccumulator accumulator = new GradientAccumulator(LENGTH, DataType.FLOAT);
    accumulator.add(gradients, 1);
    accumulator.drainTo(gradients);
    assertThat(gradients.toFloatVector()).isEqualTo(before.toFloatVector());
  }
}
