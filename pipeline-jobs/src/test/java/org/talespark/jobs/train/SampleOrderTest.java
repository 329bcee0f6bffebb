package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SampleOrderTest {
  private static final int[] MANY = IntStream.generate(() -> 100).limit(64).toArray();

  private static List<SampleOrder.Place> range(SampleOrder order, long from, long to) {
    return LongStream.range(from, to).mapToObj(order::at).toList();
  }

  private static List<SampleOrder.Place> all(int... counts) {
    List<SampleOrder.Place> places = new ArrayList<>();
    for (int shard = 0; shard < counts.length; shard++) {
      for (int i = 0; i < counts[shard]; i++) {
        places.add(new SampleOrder.Place(shard, i));
      }
    }
    return places;
  }

  @Property(tries = 200)
  void eachEpochHasEverySampleOnce(
      @ForAll @Size(min = 1, max = 20) List<@IntRange(min = 1, max = 30) Integer> counts,
      @ForAll @IntRange(min = 1, max = 700) int window,
      @ForAll long seed) {
    int[] array = counts.stream().mapToInt(Integer::intValue).toArray();
    SampleOrder order = new SampleOrder(array, seed, window);
    long samples = order.samples();
    assertThat(samples).isEqualTo(Arrays.stream(array).sum());
    for (long epoch = 0; epoch < 3; epoch++) {
      assertThat(range(order, epoch * samples, (epoch + 1) * samples))
          .containsExactlyInAnyOrderElementsOf(all(array));
    }
  }

  @ParameterizedTest
  @CsvSource({"1000000", "800"})
  void epochsAndSeedsDiffer(int window) {
    SampleOrder order = new SampleOrder(MANY, 7, window);
    List<SampleOrder.Place> first = range(order, 0, 6400);
    assertThat(range(order, 6400, 12_800)).isNotEqualTo(first);
    assertThat(range(order, 12_800, 19_200)).isNotEqualTo(first);
    assertThat(range(new SampleOrder(MANY, 8, window), 0, 6400)).isNotEqualTo(first);
    assertThat(range(new SampleOrder(MANY, 7, window), 0, 6400)).isEqualTo(first);
  }

  @ParameterizedTest
  @CsvSource({"1000000", "40"})
  void thePositionAloneSaysWhichSample(int window) {
    int[] counts = {5, 9, 30, 2, 14, 7, 1};
    List<SampleOrder.Place> straight = range(new SampleOrder(counts, 7, window), 0, 300);
    SampleOrder jumping = new SampleOrder(counts, 7, window);
    for (int position = 299; position >= 0; position--) {
      assertThat(jumping.at(position)).isEqualTo(straight.get(position));
    }
  }

  @Test
  void aDatasetThatFitsTheWindowIsPermutedUniformly() {
    int[] counts = {3, 1, 2};
    int runs = 12_000;
    int[][] often = new int[6][6];
    List<SampleOrder.Place> places = all(counts);
    for (int seed = 0; seed < runs; seed++) {
      List<SampleOrder.Place> epoch = range(new SampleOrder(counts, seed, 6), 6, 12);
      for (int i = 0; i < 6; i++) {
        often[i][places.indexOf(epoch.get(i))]++;
      }
    }
    for (int[] row : often) {
      for (int count : row) { // 2000 expected, deviation about 41
        assertThat(count).isBetween(1800, 2200);
      }
    }
  }

  @Test
  void neighboursOfALargeDatasetComeFromAsManyShardsAsTheWindowHolds() {
    SampleOrder order = new SampleOrder(MANY, 7, 800);
    assertThat(order.lanes()).isEqualTo(8);
    for (long from = 0; from < 6400; from += 8) {
      Set<Integer> shards = new HashSet<>();
      range(order, from, from + 8).forEach(place -> shards.add(place.shard()));
      assertThat(shards).hasSize(8);
    }
  }

  @Test
  void aLargeDatasetIsReadMostlyShardAfterShard() {
    SampleOrder order = new SampleOrder(MANY, 7, 800);
    Set<Integer> early = new HashSet<>();
    range(order, 0, 1600).forEach(place -> early.add(place.shard()));
    assertThat(early).hasSizeLessThanOrEqualTo(24); // of 64, for a quarter of the samples
    for (long from = 0; from < 6400; from += 800) {
      Set<Integer> shards = new HashSet<>();
      range(order, from, Math.min(6400, from + 800)).forEach(place -> shards.add(place.shard()));
      assertThat((long) shards.size()).isLessThanOrEqualTo(order.shardsInUse());
    }
  }

  @Test
  void samplesOfAShardAreMixedAndDoNotKeepTheirOrder() {
    SampleOrder order = new SampleOrder(MANY, 7, 800);
    List<Integer> indices =
        range(order, 0, 6400).stream()
            .filter(place -> place.shard() == 11)
            .map(SampleOrder.Place::index)
            .toList();
    assertThat(indices).hasSize(100).doesNotHaveDuplicates();
    long rising = IntStream.range(1, 100).filter(i -> indices.get(i) > indices.get(i - 1)).count();
    assertThat(rising).isBetween(30L, 70L);
  }

  @ParameterizedTest
  @CsvSource({"2, 4", "4, 2", "8, 1", "2, 2"})
  void theWorkersOfAPowerOfTwoReadTheirOwnShards(int workers, int batch) {
    SampleOrder order = new SampleOrder(MANY, 7, 800);
    int global = workers * batch;
    List<Set<Integer>> shards = new ArrayList<>();
    for (int rank = 0; rank < workers; rank++) {
      Set<Integer> mine = new HashSet<>();
      for (long step = 0; step < 6400 / global; step++) {
        long first = step * global + (long) rank * batch;
        range(order, first, first + batch).forEach(place -> mine.add(place.shard()));
      }
      shards.add(mine);
    }
    // 64 shards, of which those at the ends of the 8 lanes may be shared
    assertThat(shards.stream().mapToInt(Set::size).sum()).isBetween(64, 72);
    assertThat(shards).allMatch(mine -> mine.size() <= 64 / workers + 2 * 8 / workers);
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "4"})
  void theSamplesOfAStepDoNotDependOnTheNumberOfWorkers(int workers) {
    int each = 8 / workers;
    List<SampleOrder.Place> joined = new ArrayList<>();
    for (long step = 0; step < 10; step++) {
      for (int rank = 0; rank < workers; rank++) {
        long first = step * 8 + (long) rank * each;
        joined.addAll(range(new SampleOrder(MANY, 7, 50), first, first + each));
      }
    }
    assertThat(joined).isEqualTo(range(new SampleOrder(MANY, 7, 50), 0, 80));
  }

  @Test
  void aPositionOfAHugeDatasetCostsNoMoreThanItsWindow() {
    int[] counts = IntStream.generate(() -> 10_000).limit(100_000).toArray();
    SampleOrder order = new SampleOrder(counts, 7, 32_768);
    assertThat(order.samples()).isEqualTo(1_000_000_000L);
    assertThat(range(order, 7_123_456_789_012L, 7_123_456_789_512L)).doesNotHaveDuplicates();
  }

  @Test
  void whatCannotBeOrderedIsRefused() {
    assertThatThrownBy(() -> new SampleOrder(new int[0], 1, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("samples=0");
    assertThatThrownBy(() -> new SampleOrder(new int[] {3, 0}, 1, 10))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SampleOrder(new int[] {3}, 1, 10).at(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("position=-1");
  }
}
