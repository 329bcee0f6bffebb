package org.talespark.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.talespark.jobs.bench.SearchBench.Figures;
import org.talespark.jobs.bench.SearchBench.Settings;

class SearchBenchTest {

  @Test
  void everyTurnIsTimedAndWhatIsFoundIsBruteForces() {
    List<String> log = new ArrayList<>();
    Figures figures = SearchBench.run(new Settings(9001, 16, 5, 7, 2, 3, 5), log::add);
    assertThat(figures.seconds()).hasSize(3).allMatch(seconds -> seconds > 0);
    assertThat(figures.median()).isIn(figures.seconds());
    assertThat(figures.equal()).isTrue();
    assertThat(log).hasSize(4).first().asString().contains("9001 rows");
  }

  @Test
  void whereNothingIsCheckedNothingIsClaimed() {
    Figures figures = SearchBench.run(new Settings(3, 2, 1, 7, 2, 2, 0), line -> {});
    assertThat(figures.equal()).isNull();
    assertThat(figures.median())
        .isEqualTo((figures.seconds().get(0) + figures.seconds().get(1)) / 2);
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new Settings(0, 2, 1, 7, 2, 2, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--rows=0, expected 1 to 100000000");
    assertThatThrownBy(() -> new Settings(3, 2, 1, 7, 2, 2, 2))
        .hasMessageContaining("--check=2, expected 0 to --queries");
  }
}
