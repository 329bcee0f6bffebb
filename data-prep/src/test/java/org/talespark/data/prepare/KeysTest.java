package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.talespark.data.dataset.Split;

class KeysTest {

  @Property(tries = 500)
  void keysFitWebDatasetAndTar(@ForAll String stem) {
    assertThat(Keys.of(stem)).matches("[A-Za-z0-9][A-Za-z0-9_-]{0,93}");
  }

  @Test
  void foldersBecomePartOfTheKey() {
    assertThat(Keys.of("000/scene-000012")).isEqualTo("000_scene-000012");
    assertThat(Keys.of("a.b c")).isEqualTo("a_b_c");
    assertThat(Keys.of("__meta__")).isEqualTo("k__meta__");
    assertThat(Keys.of("x".repeat(300))).hasSize(94);
  }

  @Test
  void aDigestTellsStemsApartAndFitsIntoAKey() {
    assertThat(Keys.digested("a_b", "a b")).isNotEqualTo(Keys.digested("a_b", "a_b"));
    assertThat(Keys.digested("a_b", "a b")).matches("a_b-[0-9a-f]{10}");
    assertThat(Keys.digested("x".repeat(94), "x")).hasSize(94);
  }

  @Test
  void anOrderDependsOnItsSeed() {
    assertThat(Keys.shuffled("a", 1)).isEqualTo(Keys.shuffled("a", 1)).hasSize(16);
    assertThat(Keys.shuffled("a", 1)).isNotEqualTo(Keys.shuffled("a", 2));
  }

  @Test
  void splitsFollowTheirSharesAndDependOnTheKeyAlone() {
    Map<Split, Integer> counts = new EnumMap<>(Split.class);
    for (int i = 0; i < 20_000; i++) {
      counts.merge(Keys.split("key-" + i, 0.05, 0.1), 1, Integer::sum);
    }
    assertThat(counts.get(Split.VALIDATION)).isBetween(900, 1100);
    assertThat(counts.get(Split.TEST)).isBetween(1850, 2150);
    assertThat(Keys.split("anything", 0, 0)).isEqualTo(Split.TRAIN);
  }
}
