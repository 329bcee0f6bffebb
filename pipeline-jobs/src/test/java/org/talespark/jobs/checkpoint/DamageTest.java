package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FilterFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints whose bytes changed after they were committed, and a disk that is really full. */
class DamageTest {
  @TempDir private Path run;
  private FileSystem fs;
  private CheckpointStore store;

  @BeforeEach
  void twoCheckpoints() throws IOException {
    fs = FileSystem.getLocal(new Configuration(false));
    store = new CheckpointStore(fs, new org.apache.hadoop.fs.Path(run.toUri()));
    store.write(1, bodies("one"));
    store.write(2, bodies("two"));
  }

  private static Map<String, FileBody> bodies(String weights) {
    Map<String, FileBody> files = new LinkedHashMap<>();
    files.put("model.safetensors", out -> out.write(weights.repeat(100).getBytes(UTF_8)));
    files.put("optimizer.safetensors", out -> out.write(new byte[256]));
    files.put("trainer_state.json", out -> out.write("{\"step\":1}".getBytes(UTF_8)));
    return files;
  }

  private Path file(String name) {
    return run.resolve("checkpoints/step-00000002").resolve(name);
  }

  private void passedOverAndReplaced(String what) throws IOException {
    assertThat(store.latestCommitted().orElseThrow().step()).as(what).isEqualTo(1);
    assertThat(store.intact(2, name -> true)).as(what).isEmpty();
    store.write(2, bodies("two"));
    assertThat(store.latestCommitted().orElseThrow().step()).as(what).isEqualTo(2);
    assertThat(file("").toFile().list()).as(what).hasSize(5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.safetensors",
        "optimizer.safetensors",
        "trainer_state.json",
        "manifest.json",
        "COMMITTED"
      })
  void aTruncatedBitFlippedOrMissingFileMakesTheOneBeforeCount(String name) throws IOException {
    byte[] whole = Files.readAllBytes(file(name));
    for (int length : new int[] {0, 1, whole.length / 2, whole.length - 1}) {
      Files.write(file(name), Arrays.copyOf(whole, length));
      passedOverAndReplaced(name + " cut to " + length);
    }
    for (int bit = 0; bit < 8; bit++) {
      int at = bit * (whole.length - 1) / 7;
      byte[] flipped = whole.clone();
      flipped[at] ^= (byte) (1 << bit);
      Files.write(file(name), flipped);
      passedOverAndReplaced(name + " flipped at " + at);
    }
    Files.delete(file(name));
    passedOverAndReplaced(name + " deleted");
  }

  @Test
  void aDamagedCheckpointIsPrunedLikeAnyOther() throws IOException {
    Files.writeString(file("manifest.json"), "{");
    store.write(3, bodies("three"));
    store.prune(1, Set.of());
    assertThat(run.resolve("checkpoints").toFile().list()).containsExactly("step-00000003");
  }

  /** Sends one file to a device that is always full. */
  private static final class FullDisk extends FilterFileSystem {
    FullDisk(FileSystem fs) {
      super(fs);
    }

    @Override
    public FSDataOutputStream create(
        org.apache.hadoop.fs.Path path,
        FsPermission permission,
        boolean overwrite,
        int buffer,
        short replication,
        long block,
        Progressable progress)
        throws IOException {
      boolean full = path.getName().equals("model.safetensors");
      if (full) {
        super.create(path, permission, overwrite, buffer, replication, block, progress).close();
      }
      return super.create(
          full ? new org.apache.hadoop.fs.Path("/dev/full") : path,
          permission,
          overwrite,
          buffer,
          replication,
          block,
          progress);
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aFullLocalDiskIsAnErrorThatNamesTheFileAndLeavesNothing() {
    FileSystem raw = new Storage(fs).fileSystem();
    CheckpointStore full =
        new CheckpointStore(new FullDisk(raw), new org.apache.hadoop.fs.Path(run.toUri()));
    assertThatThrownBy(() -> full.write(3, bodies("three")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("step-00000003/model.safetensors")
        .hasMessageContaining("No space left on device");
    assertThat(run.resolve("checkpoints").toFile().list())
        .containsExactlyInAnyOrder("step-00000001", "step-00000002");
  }
}
