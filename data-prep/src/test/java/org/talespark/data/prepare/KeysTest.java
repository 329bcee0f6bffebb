package org.talespark.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.talespark.data.Reason;
import org.talespark.data.dataset.Split;

class KeysTest {

  private static Candidate candidate(String stem, String extension) {
    return new Candidate(Keys.of(stem), stem + extension, null, null, null, null);
  }

  @Property(tries = 500)
  void keysFitWebDatasetAndTar(@ForAll String stem) {
    assertThat(Keys.of(stem)).matches("[A-Za-z0-9][A-Za-z0-9_-]{0,94}");
  }

  @Test
  void foldersBecomePartOfTheKey() {
    assertThat(Keys.of("000/scene-000012")).isEqualTo("000_scene-000012");
    assertThat(Keys.of("a.b c")).isEqualTo("a_b_c");
    assertThat(Keys.of("__meta__")).isEqualTo("k__meta__");
    assertThat(Keys.of("x".repeat(300))).hasSize(95);
  }

  @Test
  void differentStemsNeverShareAKeyAndEqualStemsAreDuplicates() {
    List<String> stems = List.of("a b", "a_b", "c", "c", "d");
    List<Candidate> unique =
        Keys.unique(
            List.of(
                candidate("a b", ".png"),
                candidate("a_b", ".png"),
                candidate("c", ".png"),
                candidate("c", ".jpg"),
                candidate("d", ".png")),
            stems);
    Set<String> keys = new HashSet<>();
    for (Candidate c : unique) {
      if (c.refused() == null) {
        assertThat(keys.add(c.key())).isTrue();
      } else {
        assertThat(c.refused()).isEqualTo(Reason.DUPLICATE_KEY);
        assertThat(c.source()).isEqualTo("c.png"); // c.jpg comes first
      }
    }
    assertThat(keys).hasSize(4).contains("c", "d");
    assertThat(unique).extracting(Candidate::key).isSorted();
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
