package org.talespark.jobs.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.jobs.checkpoint.CommittedOutput.Existing;

class CommittedOutputTest {
  private static final List<String> ENTRIES = List.of("images", "codes.safetensors");

  @TempDir private Path root;
  private Path out;
  private FileSystem fs;

  @BeforeEach
  void prepare() throws IOException {
    out = root.resolve("out");
    fs = FileSystem.getLocal(new Configuration(false));
  }

  private CommittedOutput open(String command, Existing existing) throws IOException {
    return CommittedOutput.open(fs, path(), command, ENTRIES, existing);
  }

  private org.apache.hadoop.fs.Path path() {
    return new org.apache.hadoop.fs.Path(out.toUri());
  }

  private static void write(CommittedOutput output, String name, String text) throws IOException {
    try (OutputStream file = output.create(name)) {
      file.write(text.getBytes(UTF_8));
    }
  }

  @Test
  void pathsOfARelativeDirectoryAreWhole() throws IOException {
    CommittedOutput output =
        CommittedOutput.open(
            fs,
            new org.apache.hadoop.fs.Path("target/relative"),
            "infer reconstruct",
            ENTRIES,
            Existing.REPLACE);
    assertThat(output.path(ENTRIES.get(0)).isAbsolute()).isTrue();
    assertThat(output.path(ENTRIES.get(0)).toUri().getScheme()).isEqualTo("file");
  }

  @Test
  void theResultCommitsTheDirectory() throws IOException {
    CommittedOutput output = open("infer reconstruct", Existing.REPLACE);
    write(output, "images/a.png", "a");
    assertThat(CommittedOutput.result(fs, path())).isEmpty();
    output.commit("{\"status\":\"done\"}");
    assertThat(CommittedOutput.result(fs, path())).contains("{\"status\":\"done\"}");
    Files.writeString(out.resolve("result.json"), "{\"status\":");
    assertThat(CommittedOutput.result(fs, path())).as("cut short").isEmpty();
  }

  @Test
  void anotherRunOfTheCommandReplacesItsEntriesOnly() throws IOException {
    CommittedOutput first = open("infer reconstruct", Existing.REPLACE);
    write(first, "images/a.png", "a");
    first.commit("{}");
    Files.writeString(out.resolve("notes.txt"), "mine");
    open("infer reconstruct", Existing.CONTINUE);
    assertThat(out.resolve("images/a.png")).exists();
    assertThat(CommittedOutput.result(fs, path())).isEmpty();
    open("infer reconstruct", Existing.REPLACE);
    assertThat(out.resolve("images")).doesNotExist();
    assertThat(out.resolve("notes.txt")).exists();
  }

  @Test
  void whatIsNotAnOutputOfTheCommandIsRefusedAndStays() throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve("thesis.txt"), "mine");
    assertThatThrownBy(() -> open("infer reconstruct", Existing.REPLACE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not ours")
        .hasMessageContaining("--out");
    assertThatThrownBy(() -> CommittedOutput.check(fs, path(), "infer reconstruct"))
        .hasMessageContaining("not ours");
    assertThat(out.toFile().list()).containsExactly("thesis.txt");
    Files.delete(out.resolve("thesis.txt"));
    open("prepare", Existing.REPLACE).commit("{}");
    assertThatThrownBy(() -> open("infer reconstruct", Existing.REPLACE))
        .hasMessageContaining("'prepare'");
    CommittedOutput.check(fs, path(), "prepare");
    assertThat(CommittedOutput.result(fs, path())).isPresent();
  }

  @Test
  void onlyNamedEntriesCanBeWritten() throws IOException {
    CommittedOutput output = open("infer reconstruct", Existing.REPLACE);
    assertThatThrownBy(() -> output.create("other.txt")).hasMessageContaining("codes.safetensors");
    assertThatThrownBy(() -> output.create("images/../../x"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> output.commit("[]")).hasMessageContaining("JSON object");
    assertThatThrownBy(
            () -> CommittedOutput.open(fs, path(), "c", List.of("../x"), Existing.REPLACE))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
