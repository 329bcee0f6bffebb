package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FilterFileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointStoreTest {
  @TempDir private Path run;
  private FileSystem fs;
  private CheckpointStore store;

  @BeforeEach
  void open() throws IOException {
    fs = FileSystem.getLocal(new Configuration(false));
    store = new CheckpointStore(fs, hadoop(run));
  }

  private static org.apache.hadoop.fs.Path hadoop(Path path) {
    return new org.apache.hadoop.fs.Path(path.toUri());
  }

  private static Map<String, FileBody> bodies(String weights) {
    Map<String, FileBody> files = new LinkedHashMap<>();
    files.put("model.safetensors", out -> out.write(weights.getBytes(UTF_8)));
    files.put("config.json", out -> out.write('{'));
    return files;
  }

  private Path directory(long step) {
    return run.resolve("checkpoints/step-%08d".formatted(step));
  }

  private List<Long> steps() throws IOException {
    return store.committed().stream().map(Checkpoint::step).toList();
  }

  @Test
  void whatWasWrittenIsReadBack() throws IOException {
    store.write(1000, bodies("0123456789"));
    Checkpoint checkpoint = store.latestCommitted().orElseThrow();
    assertThat(checkpoint.step()).isEqualTo(1000);
    assertThat(checkpoint.files()).containsExactlyInAnyOrder("model.safetensors", "config.json");
    assertThat(checkpoint.has("model.safetensors")).isTrue();
    assertThat(checkpoint.has("ema.safetensors")).isFalse();
    try (var in = checkpoint.open("model.safetensors")) {
      assertThat(in.readAllBytes()).isEqualTo("0123456789".getBytes(UTF_8));
    }
    assertThat(directory(1000).toFile().list())
        .containsExactlyInAnyOrder(
            "model.safetensors", "config.json", "manifest.json", "COMMITTED");
    assertThatThrownBy(() -> checkpoint.open("optimizer.safetensors"))
        .hasMessageContaining("optimizer.safetensors")
        .hasMessageContaining("model.safetensors");
  }

  @Test
  void aChannelReadsAnywhereIntoAnyBuffer() throws IOException {
    store.write(1, bodies("0123456789"));
    try (SeekableByteChannel channel =
        store.latestCommitted().orElseThrow().channel("model.safetensors")) {
      assertThat(channel.size()).isEqualTo(10);
      for (ByteBuffer buffer : List.of(ByteBuffer.allocate(4), ByteBuffer.allocateDirect(4))) {
        channel.position(3);
        buffer.put((byte) '-');
        assertThat(channel.read(buffer)).isEqualTo(3);
        assertThat(UTF_8.decode(buffer.flip()).toString()).isEqualTo("-345");
        assertThat(channel.position()).isEqualTo(6);
      }
      assertThat(channel.position(10).read(ByteBuffer.allocate(1))).isEqualTo(-1);
      assertThat(channel.position(99).read(ByteBuffer.allocate(1))).isEqualTo(-1);
    }
  }

  @Test
  void aBodyThatFailsLeavesNothingAndTheOneBeforeCounts() throws IOException {
    store.write(1, bodies("good"));
    Map<String, FileBody> failing = bodies("bad");
    failing.put(
        "optimizer.safetensors",
        out -> {
          out.write(1);
          throw new IOException("No space left on device");
        });
    assertThatThrownBy(() -> store.write(2, failing))
        .hasMessageContaining("optimizer.safetensors: No space left on device");
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(1);
    assertThat(directory(2)).doesNotExist();
    store.write(2, bodies("again"));
    assertThat(steps()).containsExactly(1L, 2L);
  }

  /**
   * Dies at the creation of one file and from then on refuses everything, as a killed process
   * would.
   */
  private static final class Dying extends FilterFileSystem {
    private final String at;
    private boolean dead;

    Dying(FileSystem fs, String at) {
      super(fs);
      this.at = at;
    }

    @Override
    public FSDataOutputStream create(
        org.apache.hadoop.fs.Path path,
        org.apache.hadoop.fs.permission.FsPermission permission,
        boolean overwrite,
        int buffer,
        short replication,
        long block,
        org.apache.hadoop.util.Progressable progress)
        throws IOException {
      FSDataOutputStream out =
          super.create(path, permission, overwrite, buffer, replication, block, progress);
      if (path.getName().equals(at)) {
        dead = true;
        out.close();
        throw new IOException("killed");
      }
      return out;
    }

    @Override
    public boolean delete(org.apache.hadoop.fs.Path path, boolean recursive) throws IOException {
      if (dead) {
        throw new IOException("dead");
      }
      return super.delete(path, recursive);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"WRITING", "model.safetensors", "config.json", "manifest.json", "COMMITTED"})
  void aWriterKilledAtAnyFileIsNotTrustedAndItsLeftoversAreReplaced(String at) throws IOException {
    store.write(1, bodies("good"));
    FileSystem raw = new Storage(fs).fileSystem();
    Storage killed = new Storage(new Dying(raw, at), new Retries(1, 0));
    CheckpointStore dying = new CheckpointStore(killed, hadoop(run));
    assertThatThrownBy(() -> dying.write(2, bodies("lost"))).hasMessageContaining("killed");
    assertThat(directory(2).resolve(at)).exists();
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(1);
    store.prune(1, Set.of());
    assertThat(directory(2)).as("newer than the newest commit").exists();
    store.write(2, bodies("again"));
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(2);
  }

  @Test
  void damagedCheckpointsArePassedOverForTheOneBefore() throws IOException {
    for (long step = 1; step <= 6; step++) {
      store.write(step, bodies("weights of " + step));
    }
    Files.writeString(directory(6).resolve("COMMITTED"), "");
    Files.writeString(directory(5).resolve("manifest.json"), "{}");
    Files.delete(directory(4).resolve("config.json"));
    Files.writeString(directory(3).resolve("model.safetensors"), "weights");
    Files.writeString(
        directory(2).resolve("model.safetensors"), "weights of 1"); // the right length
    assertThat(steps()).containsExactly(1L, 2L);
    assertThat(store.latestCommitted().orElseThrow().step()).isEqualTo(1);
    Checkpoint flipped = store.committed().get(1);
    assertThatThrownBy(flipped::verify)
        .hasMessageContaining("model.safetensors")
        .hasMessageContaining("sha256");
  }

  @Test
  void aCheckpointOfAnotherStepUnderThisNameIsNotTrusted() throws IOException {
    store.write(1, bodies("one"));
    Files.move(directory(1), directory(7));
    assertThat(store.latestCommitted()).isEmpty();
  }

  @Test
  void anIntactCheckpointIsNeverOverwrittenButADamagedOneIs() throws IOException {
    store.write(1, bodies("one"));
    assertThatThrownBy(() -> store.write(1, bodies("two")))
        .isInstanceOf(IllegalStateException.class);
    Files.writeString(directory(1).resolve("model.safetensors"), "???");
    store.write(1, bodies("two"));
    assertThat(directory(1).resolve("model.safetensors")).hasContent("two");
  }

  @Test
  void pruneKeepsTheNewestAndTheNamedAndNeverTouchesWhatIsNotOurs() throws IOException {
    for (long step = 10; step <= 60; step += 10) {
      store.write(step, bodies("w" + step));
    }
    Files.createDirectories(directory(5));
    Files.writeString(directory(5).resolve("thesis.txt"), "mine");
    Files.writeString(directory(20).resolve("notes.txt"), "mine too");
    Path other = Files.createDirectories(run.resolve("checkpoints/step-old"));
    Path best = Files.createDirectories(run.resolve("checkpoints/best"));
    Files.createDirectories(directory(55));
    Files.writeString(directory(55).resolve("WRITING"), "model.safetensors");
    Files.writeString(directory(55).resolve("model.safetensors"), "half");
    store.prune(2, Set.of(30L));
    assertThat(steps()).containsExactly(30L, 50L, 60L);
    assertThat(directory(10)).doesNotExist();
    assertThat(directory(55)).as("leftover of an interrupted run").doesNotExist();
    assertThat(directory(5).resolve("thesis.txt")).exists();
    assertThat(directory(20).toFile().list()).containsExactly("notes.txt");
    assertThat(other).exists();
    assertThat(best).exists();
  }

  @Test
  void pruneDoesNothingWithoutACommit() throws IOException {
    Files.createDirectories(directory(1));
    Files.writeString(directory(1).resolve("WRITING"), "a");
    assertThat(store.prune(1, Set.of())).isEmpty();
    assertThat(directory(1).resolve("WRITING")).exists();
    assertThatThrownBy(() -> store.prune(0, Set.of())).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aForeignDirectoryInTheWayIsNotWrittenInto() throws IOException {
    Files.createDirectories(directory(1));
    Files.writeString(directory(1).resolve("thesis.txt"), "mine");
    assertThatThrownBy(() -> store.write(1, bodies("w"))).hasMessageContaining("move it away");
    assertThat(directory(1).toFile().list()).containsExactly("thesis.txt");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../model", "a/b", ".hidden", "", "manifest.json", "COMMITTED"})
  void namesThatAreNotPlainAreRefused(String name) {
    assertThatThrownBy(() -> store.write(1, Map.of(name, out -> {})))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
