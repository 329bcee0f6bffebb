package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SampleOrderTest {

  private static List<Integer> range(SampleOrder order, long from, long to) {
    return LongStream.range(from, to).mapToObj(order::at).toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 36, 1000})
  void eachEpochIsAPermutation(int samples) {
    SampleOrder order = new SampleOrder(samples, 7);
    Integer[] all = IntStream.range(0, samples).boxed().toArray(Integer[]::new);
    for (long epoch = 0; epoch < 4; epoch++) {
      assertThat(range(order, epoch * samples, (epoch + 1) * samples))
          .containsExactlyInAnyOrder(all);
    }
  }

  @Test
  void epochsAndSeedsDiffer() {
    SampleOrder order = new SampleOrder(50, 7);
    List<Integer> first = range(order, 0, 50);
    assertThat(range(order, 50, 100)).isNotEqualTo(first);
    assertThat(range(order, 100, 150)).isNotEqualTo(first);
    assertThat(range(new SampleOrder(50, 8), 0, 50)).isNotEqualTo(first);
  }

  @Test
  void thePositionAloneSaysWhichSample() {
    List<Integer> straight = range(new SampleOrder(13, 7), 0, 60);
    SampleOrder jumping = new SampleOrder(13, 7);
    for (int position = 59; position >= 0; position--) {
      assertThat(jumping.at(position)).isEqualTo(straight.get(position));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void theSamplesOfAStepDoNotDependOnTheNumberOfWorkers(int workers) {
    int global = 8;
    int each = global / workers;
    List<Integer> joined = new ArrayList<>();
    for (long step = 0; step < 10; step++) {
      for (int rank = 0; rank < workers; rank++) {
        long first = step * global + (long) rank * each;
        joined.addAll(range(new SampleOrder(21, 7), first, first + each));
      }
    }
    assertThat(joined).isEqualTo(range(new SampleOrder(21, 7), 0, 80));
  }

  @Test
  void aboutHalfOfThePositionsAreMirrored() {
    SampleOrder order = new SampleOrder(10, 7);
    long mirrored = LongStream.range(0, 2000).filter(order::flipped).count();
    assertThat(mirrored).isBetween(900L, 1100L);
    SampleOrder again = new SampleOrder(10, 7);
    assertThat(LongStream.range(0, 2000))
        .allMatch(position -> order.flipped(position) == again.flipped(position));
  }

  @Test
  void noSamplesAreRefused() {
    assertThatThrownBy(() -> new SampleOrder(0, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("samples=0");
  }
}
