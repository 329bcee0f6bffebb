package org.talespark.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.bench.PeerProgram;
import org.talespark.zoo.bench.StepBench;
import org.talespark.zoo.bench.StepResult;

class PeerStepsTest {
  @TempDir private Path folder;

  @Test
  void ratiosAreThoseOfTheTurnAndOfTheMedians() throws Exception {
    Path asked = folder.resolve("asked");
    PeerSteps peer =
        peer(
            """
            echo "$@" >> %s
            echo '{"case": "dit_s8_step", "median_ms": '$((100 * $(wc -l < %s)))', "torch": "1"}'
            """
                .formatted(asked, asked),
            List.of("unet_step", "dit_s8_step"));
    StepResult first = ours(50, 40);
    StepResult second = ours(50, 50);
    peer.measure(first);
    peer.measure(second);

    assertThat(Files.readAllLines(asked))
        .containsExactly("3 2 unet_step dit_s8_step", "3 2 unet_step dit_s8_step");
    assertThat(peer.found(StepResult.combine(List.of(first, second))))
        .singleElement()
        .satisfies(
            found -> {
              assertThat(found.name()).isEqualTo("dit_s8_step");
              assertThat(found.peerMs()).isEqualTo(150);
              assertThat(found.ratio()).isEqualTo(150 / 45.0);
              assertThat(found.ratios()).containsExactly(2.5, 4.0);
            });
  }

  @Test
  void aCaseThatWasNotAskedForIsRefused() throws Exception {
    PeerSteps peer =
        peer("echo '{\"case\": \"else\", \"median_ms\": 3}'", List.of("unet_step", "dit_s8_step"));
    assertThatThrownBy(() -> peer.measure(ours(1, 1)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("\"case\":\"else\"")
        .hasMessageContaining("one of [unet_step, dit_s8_step]");
  }

  @Test
  void aProgramThatFailsIsAnError() throws Exception {
    PeerSteps peer = peer("exit 3", List.of());
    assertThatThrownBy(() -> peer.measure(ours(1, 1)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("exit_code=3");
  }

  private PeerSteps peer(String script, List<String> cases) throws IOException {
    Path file = Files.writeString(folder.resolve("peer.sh"), script);
    return new PeerSteps(PeerProgram.of("sh " + file), new StepBench.Settings(3, 0, 2), cases);
  }

  private static StepResult ours(double uNet, double dit) {
    return new StepResult(2, 3, 1, List.of(entry("unet_step", uNet), entry("dit_s8_step", dit)));
  }

  private static StepResult.Case entry(String name, double compiled) {
    return new StepResult.Case(name, 8, compiled, 8 / compiled, 0, 1, 2, 0, 0, List.of());
  }
}
