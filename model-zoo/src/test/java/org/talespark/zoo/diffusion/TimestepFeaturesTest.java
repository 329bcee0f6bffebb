package org.talespark.zoo.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class TimestepFeaturesTest {

  @Test
  void cosinesStandBeforeSinesOfFallingFrequencies() {
    TimestepFeatures features = new TimestepFeatures(1000, 8);
    float[] rows = features.of(new int[] {0, 7, 999});
    assertThat(rows).hasSize(24);
    int[] timesteps = {0, 7, 999};
    double[] frequencies = {1, 0.1, 0.01, 0.001}; // 10000^(-i/4)
    for (int b = 0; b < 3; b++) {
      for (int i = 0; i < 4; i++) {
        double angle = timesteps[b] * frequencies[i];
        assertThat(rows[8 * b + i]).isCloseTo((float) Math.cos(angle), Offset.offset(1e-6f));
        assertThat(rows[8 * b + 4 + i]).isCloseTo((float) Math.sin(angle), Offset.offset(1e-6f));
      }
    }
  }

  @Test
  void anOddWidthEndsInZero() {
    float[] odd = new TimestepFeatures(50, 7).of(new int[] {49});
    float[] even = new TimestepFeatures(50, 6).of(new int[] {49});
    assertThat(odd).startsWith(even).endsWith(0).hasSize(7);
  }

  @Test
  void aBatchAtOneTimestepHasEqualRows() {
    TimestepFeatures features = new TimestepFeatures(100, 5);
    assertThat(features.width()).isEqualTo(5);
    assertThat(features.of(42, 3)).isEqualTo(features.of(new int[] {42, 42, 42}));
  }

  @Test
  void timestepsOutsideTheScheduleAreRefused() {
    TimestepFeatures features = new TimestepFeatures(100, 4);
    for (int bad : new int[] {-1, 100}) {
      assertThatThrownBy(() -> features.of(new int[] {bad}))
          .hasMessageContaining("timestep=" + bad)
          .hasMessageContaining("0 to 99");
    }
    assertThatThrownBy(() -> new TimestepFeatures(100, 1)).hasMessageContaining("width=1");
  }
}
