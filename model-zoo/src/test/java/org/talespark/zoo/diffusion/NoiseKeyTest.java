package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.talespark.zoo.nn.NoiseKey;

class NoiseKeyTest {
  private static final int ELEMENTS = 37;
  private static final TimestepSampling UNIFORM = new TimestepSampling.Uniform();

  private static List<String> keys(int from, int to) {
    return IntStream.range(from, to).mapToObj("page-%04d"::formatted).toList();
  }

  private static float[] noise(long key, int n) {
    float[] noise = new float[n];
    NoiseKey.normals(new long[] {key}, 0, noise);
    return noise;
  }

  private static double correlation(float[] a, int shift, float[] b) {
    double sum = 0;
    int n = a.length - shift;
    for (int i = 0; i < n; i++) {
      sum += a[i + shift] * b[i];
    }
    return sum / n;
  }

  // --- any division of a batch

  @Test
  void aDivisionOfTheBatchChangesNothing() {
    int all = 12;
    TrainingNoise whole = new TrainingNoise(3, 1000, all, ELEMENTS, 0.4, UNIFORM);
    whole.draw(17, keys(0, all));
    for (int workers : new int[] {2, 3, 4, 12}) {
      int each = all / workers;
      TrainingNoise part = new TrainingNoise(3, 1000, each, ELEMENTS, 0.4, UNIFORM);
      for (int w = 0; w < workers; w++) {
        int from = w * each;
        part.draw(17, keys(from, from + each));
        assertThat(part.timesteps())
            .isEqualTo(Arrays.copyOfRange(whole.timesteps(), from, from + each));
        assertThat(part.dropped())
            .isEqualTo(Arrays.copyOfRange(whole.dropped(), from, from + each));
        assertThat(part.noise())
            .isEqualTo(
                Arrays.copyOfRange(whole.noise(), from * ELEMENTS, (from + each) * ELEMENTS));
      }
    }
  }

  @Test
  void aDivisionOfTheSamplesToMakeChangesNothing() {
    long[] keys = {5, 6, 7, 8};
    float[] whole = new float[4 * ELEMENTS];
    NoiseKey.normals(keys, 9, whole);
    for (int b = 0; b < 4; b++) {
      float[] alone = new float[ELEMENTS];
      NoiseKey.normals(new long[] {keys[b]}, 9, alone);
      assertThat(alone).isEqualTo(Arrays.copyOfRange(whole, b * ELEMENTS, (b + 1) * ELEMENTS));
    }
  }

  // --- what differs

  @Test
  void seedsStepsSamplesAndUsesHaveKeysOfTheirOwn() {
    Set<Long> keys = new HashSet<>();
    int made = 0;
    for (long seed = 0; seed < 12; seed++) {
      for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 12; j++) {
          keys.add(NoiseKey.training(seed, i, "page-" + j));
          keys.add(NoiseKey.sampling(seed, "page-" + i, j));
          made += 2;
        }
      }
    }
    for (int i = 0; i < 12; i++) {
      keys.add(NoiseKey.evaluation("page-" + i));
      made++;
    }
    List<Long> streams = new ArrayList<>();
    for (long key : keys) {
      for (int position = 0; position < 4; position++) {
        streams.add(NoiseKey.at(key, position));
      }
    }
    assertThat(keys).hasSize(made);
    assertThat(streams).doesNotHaveDuplicates().doesNotContainAnyElementsOf(keys);
  }

  @Test
  void neighbouringSeedsStepsAndSamplesAreNotCorrelatedNotEvenShifted() {
    int n = 20_000;
    float[] first = noise(NoiseKey.training(1, 1, "a"), n);
    for (float[] other :
        List.of(
            noise(NoiseKey.training(2, 1, "a"), n),
            noise(NoiseKey.training(1, 2, "a"), n),
            noise(NoiseKey.training(1, 1, "b"), n),
            noise(NoiseKey.sampling(1, "a", 1), n))) {
      for (int shift = 0; shift < 4; shift++) {
        assertThat(correlation(first, shift, other)).isCloseTo(0, Offset.offset(5 / Math.sqrt(n)));
        assertThat(correlation(other, shift, first)).isCloseTo(0, Offset.offset(5 / Math.sqrt(n)));
      }
    }
    assertThat(correlation(first, 0, first)).isCloseTo(1, Offset.offset(0.05));
  }

  @Test
  void everyTimestepIsAsLikelyAsAnyOtherAndContextIsDroppedAsOftenAsSaid() {
    int draws = 400;
    int batch = 100;
    TrainingNoise noise = new TrainingNoise(8, 10, batch, 1, 0.1, UNIFORM);
    int[] seen = new int[10];
    int dropped = 0;
    for (int step = 0; step < draws; step++) {
      noise.draw(step, keys(0, batch));
      for (int b = 0; b < batch; b++) {
        seen[noise.timesteps()[b]]++;
        dropped += noise.dropped()[b] ? 1 : 0;
      }
    }
    double expected = draws * batch / 10.0;
    for (int count : seen) {
      assertThat((double) count).isCloseTo(expected, Offset.offset(5 * Math.sqrt(expected)));
    }
    assertThat((double) dropped).isCloseTo(expected, Offset.offset(5 * Math.sqrt(expected)));
  }

  @Test
  void logitsOfTimestepsAreNormal() {
    int draws = 20_000;
    SplittableRandom random = new SplittableRandom(5);
    TimestepSampling sampling = new TimestepSampling.LogitNormal(-0.5, 1.5);
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < draws; i++) {
      double share = (sampling.draw(random, 1_000_000) + 0.5) / 1_000_000;
      double logit = Math.log(share / (1 - share));
      sum += logit;
      squares += logit * logit;
    }
    double mean = sum / draws;
    assertThat(mean).isCloseTo(-0.5, Offset.offset(5 * 1.5 / Math.sqrt(draws)));
    assertThat(squares / draws - mean * mean).isCloseTo(2.25, Offset.offset(0.12));
  }

  @Test
  void theFarthestTimestepsAreInRange() {
    SplittableRandom random = new SplittableRandom(5);
    assertThat(new TimestepSampling.LogitNormal(60, 0.1).draw(random, 10)).isEqualTo(9);
    assertThat(new TimestepSampling.LogitNormal(-60, 0.1).draw(random, 10)).isZero();
    assertThatThrownBy(() -> new TimestepSampling.LogitNormal(0, 0))
        .hasMessageContaining("deviation=0.0");
  }

  @Test
  void contextIsNeverOrAlwaysDroppedAtTheEndsOfItsRange() {
    for (boolean always : new boolean[] {false, true}) {
      TrainingNoise noise = new TrainingNoise(8, 10, 50, 1, always ? 1 : 0, UNIFORM);
      noise.draw(0, keys(0, 50));
      for (boolean dropped : noise.dropped()) {
        assertThat(dropped).isEqualTo(always);
      }
    }
    assertThatThrownBy(() -> new TrainingNoise(8, 10, 50, 1, 1.5, UNIFORM))
        .hasMessageContaining("context_dropout=1.5");
  }

  @Test
  void aBatchOfAnotherSizeIsRefused() {
    TrainingNoise noise = new TrainingNoise(8, 10, 4, 1, 0, UNIFORM);
    assertThatThrownBy(() -> noise.draw(0, keys(0, 3))).hasMessageContaining("keys=3, expected 4");
  }
}
