package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.talespark.data.caption.Normalization;
import org.talespark.data.image.Resize;

class PrepareConfigTest {

  private static final PrepareConfig DEFAULTS = PrepareConfig.defaults();

  @Test
  void theDefaultsAreWhatTheDocumentationSays() {
    assertThat(DEFAULTS.toJson().toString())
        .isEqualTo(
            ("{'format':'auto','size':64,'resize':'center_crop','min_side':16,'min_area':0,"
                    + "'max_pixels':50000000,'max_aspect':0.0,'reject_blank':false,'blocklist':null,"
                    + "'dedup':'exact','max_hash_distance':6,'validation':0.05,'test':0.05,"
                    + "'shard_samples':1000,'shuffle_seed':null,'image_format':'png',"
                    + "'jpeg_quality':92,'max_file_bytes':67108864,'caption_normalization':'nfc',"
                    + "'caption_lines':false,'max_caption_characters':2000,'min_caption_words':1,"
                    + "'max_caption_words':0}")
                .replace('\'', '"'));
  }

  @ParameterizedTest
  @CsvSource({
    "size, 0",
    "min_area, 50000001",
    "max_hash_distance, 9",
    "validation, 0.96",
    "shard_samples, 0",
    "jpeg_quality, 101",
    "max_file_bytes, 0",
    "max_caption_characters, 0",
    "min_caption_words, 0",
    "max_caption_words, -1",
    "resize, 5"
  })
  void settingsOutOfRangeAreRefusedByName(String key, double value) {
    Object number = value == (int) value ? (Object) (int) value : (Object) value;
    assertThatThrownBy(() -> DEFAULTS.with(Map.of(key, number)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(key);
  }

  @Test
  void settingsAreReplacedByTheirNamesInConfigurationFiles() {
    PrepareConfig changed =
        DEFAULTS.with(
            Map.of(
                "size",
                32,
                "dedup",
                false,
                "max_pixels",
                1000,
                "resize",
                "keep_ratio",
                "caption_normalization",
                "nfkc",
                "image_format",
                "jpg",
                "shuffle_seed",
                7,
                "blocklist",
                "file:/list.txt"));
    assertThat(changed.size()).isEqualTo(32);
    assertThat(changed.dedup()).isEqualTo(Dedup.NONE);
    assertThat(changed.maxPixels()).isEqualTo(1000);
    assertThat(changed.minSide()).isEqualTo(16);
    assertThat(changed.resize()).isEqualTo(Resize.Mode.KEEP_RATIO);
    assertThat(changed.captionNormalization()).isEqualTo(Normalization.NFKC);
    assertThat(changed.imageFormat()).isEqualTo(ImageFormat.JPG);
    assertThat(changed.shuffleSeed()).isEqualTo(7L);
    assertThat(changed.blocklist()).isEqualTo("file:/list.txt");
    assertThat(DEFAULTS.with(Map.of("dedup", true)).dedup()).isEqualTo(Dedup.EXACT);
    assertThat(DEFAULTS.with(Map.of("dedup", "near")).dedup()).isEqualTo(Dedup.NEAR);
    assertThatThrownBy(() -> DEFAULTS.with(Map.of("dedup", "nearly")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prepare.dedup=nearly, expected none, exact or near");
    assertThatThrownBy(() -> DEFAULTS.with(Map.of("sise", 32)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prepare.sise");
    assertThatThrownBy(() -> DEFAULTS.with(Map.of("size", 1.5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("size");
  }

  @Test
  void theFirstDifferentSettingOfADatasetIsNamed() {
    PrepareConfig other = DEFAULTS.with(Map.of("size", 32, "test", 0.1));
    assertThat(other.firstDifference(DEFAULTS.toJson())).contains("size");
    assertThat(DEFAULTS.firstDifference(DEFAULTS.toJson())).isEmpty();
    assertThat(DEFAULTS.firstDifference(DEFAULTS.toJson().without("shuffle_seed")))
        .contains("shuffle_seed");
  }
}
