package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BestCheckpointTest {
  @TempDir private Path run;
  private CheckpointStore store;
  private RunFiles files;

  @BeforeEach
  void threeCheckpoints() throws IOException {
    FileSystem fs = FileSystem.getLocal(new Configuration(false));
    org.apache.hadoop.fs.Path directory = new org.apache.hadoop.fs.Path(run.toUri());
    store = new CheckpointStore(fs, directory);
    files = new RunFiles(fs, directory, Set.of(BestCheckpoint.FILE));
    for (long step = 10; step <= 30; step += 10) {
      store.write(step, Map.of("model.safetensors", out -> out.write(1)));
    }
  }

  private BestCheckpoint resume(boolean higher, long upTo, Map<Long, Double> values)
      throws IOException {
    return BestCheckpoint.resume(store, files, "psnr", higher, upTo, values);
  }

  private void said(String json) throws IOException {
    Files.writeString(run.resolve("best.json"), json);
  }

  @Test
  void theBestIsTheHighestOrTheLowestAsTheMetricSaysAndOfEqualsTheLater() throws IOException {
    BestCheckpoint highest = resume(true, 0, Map.of());
    highest.committed(10, 1);
    highest.committed(20, 3);
    highest.committed(30, 2);
    assertThat(highest.step()).contains(20L);
    highest.committed(40, 3);
    highest.committed(50, Double.NaN);
    assertThat(highest.step()).contains(40L);
    assertThat(BestCheckpoint.read(files)).contains(40L);
    assertThat(run.resolve("best.json")).content(UTF_8).contains("\"psnr\" : 3.0");
    files.delete("best.json");
    BestCheckpoint lowest = resume(false, 0, Map.of());
    lowest.committed(10, 2);
    lowest.committed(20, 1);
    lowest.committed(30, 3);
    assertThat(lowest.step()).contains(20L);
  }

  @Test
  void aResumedRunGoesOnFromTheBestItStillHas() throws IOException {
    said("{\"step\": 20, \"psnr\": 5.0}");
    assertThat(resume(true, 30, Map.of(10L, 4.0, 30L, 4.5)).step()).contains(20L);
    said("{\"step\": 30, \"psnr\": 9.0}");
    BestCheckpoint best = resume(true, 20, Map.of(10L, 4.0, 20L, 3.0, 30L, 9.0));
    assertThat(best.step()).as("30 is behind the checkpoint that is resumed").contains(10L);
    assertThat(BestCheckpoint.read(files)).contains(10L);
    best.committed(30, 4.5);
    assertThat(best.step()).contains(30L);
  }

  @Test
  void aBestThatWasPrunedOrLostDoesNotCount() throws IOException {
    said("{\"step\": 5, \"psnr\": 9.0}");
    assertThat(resume(true, 30, Map.of(5L, 9.0, 20L, 4.0)).step()).contains(20L);
    Files.delete(run.resolve("checkpoints/step-00000020/COMMITTED"));
    assertThat(resume(true, 30, Map.of(20L, 4.0)).step()).isEmpty();
    assertThat(run.resolve("best.json")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{\"st", "[]", "{\"step\": \"20\"}", "null"})
  void aDamagedFileIsMadeAnewFromTheMetrics(String json) throws IOException {
    said(json);
    assertThat(BestCheckpoint.read(files)).isEmpty();
    assertThat(resume(true, 30, Map.of(10L, 4.0, 20L, 3.0)).step()).contains(10L);
    assertThat(BestCheckpoint.read(files)).contains(10L);
  }
}
