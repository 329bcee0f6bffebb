package org.talespark.jobs.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;

/** Which checkpoint of a run directory jobs use. */
class RunDirectoryTest {
  @TempDir private Path run;
  private final Configuration hadoop = new Configuration(false);

  @BeforeEach
  void threeCheckpoints() throws IOException {
    RunDirectory directory = new RunDirectory(Tiny.uri(run), hadoop);
    for (long step = 10; step <= 30; step += 10) {
      directory
          .checkpoints()
          .write(
              step,
              Map.of(
                  "model.safetensors", out -> out.write(1),
                  "optimizer.safetensors", out -> out.write(2)));
    }
  }

  private void best(String json) throws IOException {
    Files.writeString(run.resolve("best.json"), json);
  }

  private long used() {
    return RunDirectory.checkpoint(Tiny.uri(run), hadoop).step();
  }

  @Test
  void theBestIsUsedElseTheLatest() throws IOException {
    assertThat(used()).isEqualTo(30);
    best("{\"step\":10,\"psnr\":1}");
    assertThat(used()).isEqualTo(10);
  }

  @Test
  void aBestThatIsNotThereOrNotWholeIsNotUsed() throws IOException {
    best("{\"step\":40,\"psnr\":1}");
    assertThat(used()).as("written before its checkpoint was lost").isEqualTo(30);
    best("{\"ste");
    assertThat(used()).isEqualTo(30);
    best("{\"step\":20,\"psnr\":1}");
    Files.writeString(Tiny.checkpoint(run, 20).resolve("optimizer.safetensors"), "!");
    assertThat(used()).as("its weights are whole").isEqualTo(20);
    Files.writeString(Tiny.checkpoint(run, 20).resolve("model.safetensors"), "!");
    assertThat(used()).isEqualTo(30);
  }

  @Test
  void oneCheckpointMayBeNamedAndMustBeWhole() throws IOException {
    Path one = Tiny.checkpoint(run, 20);
    assertThat(RunDirectory.checkpoint(Tiny.uri(one), hadoop).step()).isEqualTo(20);
    Files.writeString(one.resolve("model.safetensors"), "!", UTF_8);
    assertThatThrownBy(() -> RunDirectory.checkpoint(Tiny.uri(one), hadoop))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("model.safetensors")
        .hasMessageContaining("sha256");
  }
}
