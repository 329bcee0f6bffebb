package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class PrepareConfigTest {

  @Test
  void theDefaultsAreWhatTheDocumentationSays() {
    assertThat(PrepareConfig.defaults())
        .isEqualTo(
            new PrepareConfig(
                64, 16, 50_000_000, 0, false, true, 0.05, 0.05, 1000, "png", 92, 67_108_864, 2000));
    assertThat(PrepareConfig.defaults().toJson().fieldNames())
        .toIterable()
        .contains("size", "min_side", "max_pixels", "dedup");
  }

  @Test
  void settingsOutOfRangeAreRefusedByName() {
    assertThatThrownBy(() -> PrepareConfig.defaults().withSize(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prepare.size=0");
    assertThatThrownBy(
            () ->
                new PrepareConfig(
                    64, 16, 50, 0, false, true, 0.5, 0.5, 1000, "png", 92, 1000, 2000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("validation + test");
    assertThatThrownBy(
            () ->
                new PrepareConfig(
                    64, 16, 50, 0, false, true, 0.1, 0.1, 1000, "gif", 92, 1000, 2000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("image_format=gif");
  }

  @Test
  void settingsAreReplacedByTheirNamesInConfigurationFiles() {
    PrepareConfig changed =
        PrepareConfig.defaults().with(Map.of("size", 32, "dedup", false, "max_pixels", 1000));
    assertThat(changed.size()).isEqualTo(32);
    assertThat(changed.dedup()).isFalse();
    assertThat(changed.maxPixels()).isEqualTo(1000);
    assertThat(changed.minSide()).isEqualTo(16);
    assertThatThrownBy(() -> PrepareConfig.defaults().with(Map.of("sise", 32)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prepare.sise");
    assertThatThrownBy(() -> PrepareConfig.defaults().with(Map.of("size", 0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prepare.size=0");
    assertThatThrownBy(() -> PrepareConfig.defaults().with(Map.of("size", 1.5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("size");
  }
}
