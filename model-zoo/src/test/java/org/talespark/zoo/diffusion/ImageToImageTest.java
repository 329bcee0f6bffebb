package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.talespark.zoo.nn.NoiseKey;

class ImageToImageTest {
  private static final NoiseSchedule SCHEDULE = Schedules.COSINE_TO_ZERO;
  private static final int COUNT = 50;
  private static final int CHANNELS = 3;
  private static final int POSITIONS = 8;
  private static final int ELEMENTS = CHANNELS * POSITIONS;

  static Stream<Sampler> samplers() {
    return Stream.of(
        new Sampler.Ddpm(100, Spacing.TRAILING),
        new Sampler.Ddim(50, 0, Spacing.TRAILING),
        new Sampler.DpmSolver(20, Spacing.LOG_SNR));
  }

  private static Sampling sampling(Sampler sampler) {
    return new Sampling(SCHEDULE, Prediction.V_PREDICTION, sampler, Double.POSITIVE_INFINITY);
  }

  private static Denoise network() {
    return new Gaussian(0, 0.5).best(SCHEDULE, Prediction.V_PREDICTION);
  }

  private static long[] keys() {
    return IntStream.range(0, COUNT).mapToLong(i -> NoiseKey.sampling(1, "moon", i)).toArray();
  }

  private static float[] originals() {
    float[] originals = new float[COUNT * ELEMENTS];
    NoiseKey.normals(keys(), 1 << 20, originals);
    for (int i = 0; i < originals.length; i++) {
      originals[i] *= 0.5f;
    }
    return originals;
  }

  private static double distance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(sum / a.length);
  }

  // --- image to image

  @ParameterizedTest
  @MethodSource("samplers")
  void strengthZeroReturnsTheOriginalAndOneForgetsIt(Sampler sampler) {
    Sampling sampling = sampling(sampler);
    float[] originals = originals();
    assertThat(sampling.vary(network(), keys(), originals, 0)).isEqualTo(originals);
    assertThat(sampling.vary(network(), keys(), originals, 1))
        .isEqualTo(sampling.generate(network(), keys(), ELEMENTS));
    assertThat(originals).isEqualTo(originals());
  }

  @ParameterizedTest
  @MethodSource("samplers")
  void strengthLeadsAwayFromTheOriginalAndStaysInTheData(Sampler sampler) {
    float[] originals = originals();
    double before = 0;
    for (double strength : new double[] {0.1, 0.4, 0.7, 1}) {
      float[] varied = sampling(sampler).vary(network(), keys(), originals, strength);
      double distance = distance(varied, originals);
      assertThat(distance).isGreaterThan(before);
      before = distance;
      assertThat(distance(varied, new float[varied.length])).isCloseTo(0.5, Offset.offset(0.05));
    }
    assertThat(before).isCloseTo(Math.sqrt(0.5), Offset.offset(0.06)); // independent of it
  }

  @Test
  void strengthIsWhereTheNoiseBeginsWhateverTheSpacing() {
    List<Integer> visited = new ArrayList<>();
    Denoise network =
        (samples, t) -> {
          visited.add(t);
          return network().predict(samples, t);
        };
    for (Sampler sampler : samplers().toList()) {
      visited.clear();
      sampling(sampler).vary(network, keys(), originals(), 0.555);
      assertThat(visited.get(0)).isEqualTo(554);
      List<Integer> expected = new ArrayList<>(List.of(554));
      for (int t : sampler.timesteps(SCHEDULE)) {
        if (t < 554) {
          expected.add(t);
        }
      }
      assertThat(visited).isEqualTo(expected);
    }
  }

  @Test
  void strengthOutOfRangeIsRefused() {
    for (double bad : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(
              () ->
                  sampling(new Sampler.Ddim(5, 0, Spacing.TRAILING))
                      .vary(network(), keys(), originals(), bad))
          .hasMessageContaining("strength=" + bad);
    }
  }

  // --- inpainting

  /** Keeps the first half of the positions of even samples, the second half of odd ones. */
  private static float[] mask() {
    float[] mask = new float[COUNT * POSITIONS];
    for (int i = 0; i < mask.length; i++) {
      boolean first = i % POSITIONS < POSITIONS / 2;
      mask[i] = first == (i / POSITIONS % 2 == 0) ? 0 : 1;
    }
    return mask;
  }

  private static boolean kept(int element) {
    int sample = element / ELEMENTS;
    int position = element % ELEMENTS % POSITIONS;
    return mask()[sample * POSITIONS + position] == 0;
  }

  @ParameterizedTest
  @MethodSource("samplers")
  void inpaintingKeepsExactlyWhatTheMaskKeepsAndMakesTheRest(Sampler sampler) {
    float[] originals = originals();
    for (double strength : new double[] {0.3, 1}) {
      float[] made = sampling(sampler).inpaint(network(), keys(), originals, mask(), strength);
      assertThat(sampling(sampler).inpaint(network(), keys(), originals, mask(), strength))
          .isEqualTo(made);
      int changed = 0;
      for (int i = 0; i < made.length; i++) {
        if (kept(i)) {
          assertThat(made[i]).isEqualTo(originals[i]);
        } else {
          changed += made[i] != originals[i] ? 1 : 0;
        }
      }
      assertThat(changed).isGreaterThan(made.length / 2 - 5);
      assertThat(distance(made, new float[made.length])).isCloseTo(0.5, Offset.offset(0.05));
    }
  }

  @Test
  void masksOfOnesAndZerosAreImageToImageAndNothing() {
    Sampling sampling = sampling(new Sampler.Ddpm(50, Spacing.TRAILING));
    float[] ones = new float[COUNT * POSITIONS];
    Arrays.fill(ones, 1);
    for (double strength : new double[] {0.4, 1}) {
      assertThat(sampling.inpaint(network(), keys(), originals(), ones, strength))
          .isEqualTo(sampling.vary(network(), keys(), originals(), strength));
      assertThat(
              sampling.inpaint(
                  network(), keys(), originals(), new float[COUNT * POSITIONS], strength))
          .isEqualTo(originals());
    }
  }

  @Test
  void whatIsMadeFitsWhatIsKept() {
    // the two halves of the data are equal; the network knows
    Denoise network =
        (samples, t) -> {
          float[] out = new float[samples.length];
          double alpha = SCHEDULE.alpha(t);
          double total = 2 * alpha * alpha * 0.25 + SCHEDULE.variance(t);
          for (int i = 0; i < out.length; i++) {
            int twin = i / POSITIONS * POSITIONS + (i + POSITIONS / 2) % POSITIONS;
            double picture = alpha * 0.25 / total * ((double) samples[i] + samples[twin]);
            out[i] =
                (float) Gaussian.said(SCHEDULE, Prediction.V_PREDICTION, t, samples[i], picture);
          }
          return out;
        };
    float[] originals = originals();
    for (Sampler sampler : samplers().toList()) {
      float[] made = sampling(sampler).inpaint(network, keys(), originals, mask(), 1);
      double product = 0;
      double square = 0;
      for (int i = 0; i < made.length; i++) {
        int twin = i / POSITIONS * POSITIONS + (i + POSITIONS / 2) % POSITIONS;
        if (!kept(i)) {
          product += made[i] * made[twin];
          square += made[twin] * made[twin];
        }
      }
      assertThat(product / square).as(sampler.toString()).isBetween(0.7, 1.2);
    }
  }

  @Test
  void masksThatDoNotFitAreRefused() {
    Sampling sampling = sampling(new Sampler.Ddim(5, 0, Spacing.TRAILING));
    for (int bad : new int[] {0, COUNT * 7, COUNT * POSITIONS - 1, COUNT * ELEMENTS * 2}) {
      assertThatThrownBy(() -> sampling.inpaint(network(), keys(), originals(), new float[bad], 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("mask=" + bad);
    }
    float[] outside = mask();
    outside[3] = 1.5f;
    assertThatThrownBy(() -> sampling.inpaint(network(), keys(), originals(), outside, 1))
        .hasMessageContaining("mask=1.5");
  }
}
