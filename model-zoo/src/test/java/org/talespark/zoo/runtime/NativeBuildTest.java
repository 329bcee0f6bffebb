package org.talespark.zoo.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NativeBuildTest {

  private static final String ALL512 = "avx2 fma avx512f avx512bw avx512vl avx512dq";

  @ParameterizedTest(name = "[{0}] with [{1}] gives [{2}]")
  @CsvSource({
    ALL512 + ", ONEDNN_AVX512 ONEDNN_AVX2 PLAIN, ONEDNN_AVX512",
    ALL512 + ", ONEDNN_AVX2 PLAIN, ONEDNN_AVX2",
    ALL512 + ", PLAIN, PLAIN",
    ALL512 + ", AVX512 ONEDNN PLAIN, ONEDNN",
    "avx2 fma avx512f, ONEDNN_AVX512 ONEDNN_AVX2 PLAIN, ONEDNN_AVX2",
    "avx2 fma avx512f avx512bw avx512vl, ONEDNN_AVX512 ONEDNN_AVX2 PLAIN, ONEDNN_AVX2",
    "avx2 fma, ONEDNN_AVX512 ONEDNN_AVX2 PLAIN, ONEDNN_AVX2",
    "avx2 fma, ONEDNN_AVX512 AVX2 PLAIN, AVX2",
    "avx2, ONEDNN_AVX512 ONEDNN_AVX2 PLAIN, PLAIN",
    "sse4_2, ONEDNN_AVX512 ONEDNN_AVX2 PLAIN, PLAIN",
    "neon asimd, PLAIN, PLAIN",
  })
  void theFastestAvailableBuildThatTheProcessorRunsIsChosen(
      String flags, String available, NativeBuild expected) {
    NativeBuild.Choice choice = NativeBuild.choose(words(flags), builds(available));
    assertThat(choice.build()).isEqualTo(expected);
    assertThat(choice.why()).isNotBlank();
  }

  @Test
  void aReasonNamesTheMissingFlags() {
    assertThat(NativeBuild.choose(Set.of("avx2", "fma"), EnumSet.allOf(NativeBuild.class)).why())
        .contains("avx2 fma")
        .contains("'-onednn-avx512' needs avx512bw avx512dq avx512f avx512vl");
  }

  @Test
  void withoutAnyFittingBuildTheChoiceFailsWithARemedy() {
    assertThatThrownBy(() -> NativeBuild.choose(Set.of(), EnumSet.of(NativeBuild.ONEDNN_AVX512)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("org.nd4j:nd4j-native");
  }

  private static Set<String> words(String text) {
    return Set.of(text.split(" "));
  }

  private static Set<NativeBuild> builds(String text) {
    return Stream.of(text.split(" "))
        .map(NativeBuild::valueOf)
        .collect(Collectors.toCollection(() -> EnumSet.noneOf(NativeBuild.class)));
  }
}
