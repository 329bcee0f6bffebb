package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.Sha256;

class RunFilesTest {
  @TempDir private Path run;
  private RunFiles files;

  @BeforeEach
  void open() throws IOException {
    FileSystem fs = FileSystem.getLocal(new Configuration(false));
    files = new RunFiles(fs, new org.apache.hadoop.fs.Path(run.toUri()), Set.of("best.json"));
  }

  private void next(String text, String hashed) throws IOException {
    Files.writeString(
        run.resolve("best.json.next"), Sha256.hex(hashed.getBytes(UTF_8)) + "\n" + text);
  }

  private String read() throws IOException {
    return new String(files.read("best.json").orElseThrow(), UTF_8);
  }

  @Test
  void whatAWriterLeftWholeBeforeItDiedIsTakenAndWhatItLeftTornIsNot() throws IOException {
    Files.writeString(run.resolve("best.json"), "old");
    next("ne", "new");
    assertThat(read()).isEqualTo("old");
    next("new", "new");
    Files.writeString(run.resolve("best.json"), "n");
    assertThat(read()).isEqualTo("new");
    files.write("best.json", "newer".getBytes(UTF_8));
    assertThat(read()).isEqualTo("newer");
    assertThat(run.toFile().list()).containsExactly("best.json");
  }

  @Test
  void aDeletedFileIsGoneWithWhatBelongsToIt() throws IOException {
    assertThat(files.read("best.json")).isEmpty();
    next("new", "new");
    files.delete("best.json");
    assertThat(files.read("best.json")).isEmpty();
  }

  @Test
  void otherFilesAreWrittenPlainly() throws IOException {
    files.write("samples/step-1.png", new byte[3]);
    assertThat(run.resolve("samples")).isDirectoryContaining("glob:**/step-1.png");
    assertThat(run.resolve("samples").toFile().list()).hasSize(1);
  }
}
