package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.talespark.zoo.train.LatentSpace;

final class WhiteningTest {
  private static final int SIDE = 4;
  private static final int PLANE = SIDE * SIDE;

  /** Two channels that are nearly the same, and a third one. */
  private static float[] latents(int count) {
    Random random = new Random(5);
    float[] latents = new float[count * 3 * PLANE];
    for (int n = 0; n < count; n++) {
      for (int p = 0; p < PLANE; p++) {
        double common = random.nextGaussian();
        int at = n * 3 * PLANE + p;
        latents[at] = (float) (1 + 0.5 * common + 0.02 * random.nextGaussian());
        latents[at + PLANE] = (float) (0.5 * common + 0.02 * random.nextGaussian());
        latents[at + 2 * PLANE] = (float) (-2 + 0.1 * random.nextGaussian());
      }
    }
    return latents;
  }

  private static double[][] moments(float[] latents) {
    int count = latents.length / 3;
    double[][] moments = new double[4][3]; // means, then covariances
    for (int i = 0; i < latents.length; i++) {
      moments[0][i / PLANE % 3] += latents[i] / (double) count;
    }
    for (int from = 0; from < latents.length; from += 3 * PLANE) {
      for (int p = 0; p < PLANE; p++) {
        for (int a = 0; a < 3; a++) {
          for (int b = 0; b < 3; b++) {
            double x = latents[from + a * PLANE + p] - moments[0][a];
            double y = latents[from + b * PLANE + p] - moments[0][b];
            moments[1 + a][b] += x * y / count;
          }
        }
      }
    }
    return moments;
  }

  private static LatentSpace space(double[][] moments) {
    List<List<Double>> rows = new ArrayList<>();
    for (double[] row : moments) {
      rows.add(List.of(row[0], row[1], row[2]));
    }
    return new LatentSpace("0", 3, SIDE, rows.get(0), rows.subList(1, 4));
  }

  @Test
  void whiteLatentsHaveUnitCovarianceAndComeBack() {
    float[] latents = latents(400);
    Whitening whitening = new Whitening(space(moments(latents)));
    float[] white = whitening.whiten(latents);
    double[][] found = moments(white);
    for (int a = 0; a < 3; a++) {
      assertThat(found[0][a]).isCloseTo(0, Offset.offset(1e-3));
      for (int b = 0; b < 3; b++) {
        assertThat(found[1 + a][b]).isCloseTo(a == b ? 1 : 0, Offset.offset(1e-3));
      }
    }
    float[] back = whitening.unwhiten(white);
    for (int i = 0; i < latents.length; i++) {
      assertThat(back[i]).isCloseTo(latents[i], Offset.offset(1e-5f));
    }
  }

  @Test
  void whitePositionsKeepTheirPlaces() {
    Whitening whitening = new Whitening(space(moments(latents(50))));
    float[] one = latents(1);
    float[] changed = one.clone();
    changed[5] += 1;
    float[] before = whitening.whiten(one);
    float[] after = whitening.whiten(changed);
    for (int i = 0; i < before.length; i++) {
      assertThat(after[i] == before[i]).as("element %d", i).isEqualTo(i % PLANE != 5);
    }
  }

  @Test
  void channelsThatSayNothingAreRefused() {
    double[][] flat = {{0, 0, 0}, {1, 1, 0}, {1, 1, 0}, {0, 0, 1}};
    LatentSpace space = space(flat);
    assertThatThrownBy(() -> new Whitening(space))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("variances=");
  }
}
