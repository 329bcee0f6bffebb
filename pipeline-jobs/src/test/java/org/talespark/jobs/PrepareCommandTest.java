package org.talespark.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.scenes.SceneCorpus;

@Timeout(240)
class PrepareCommandTest {

  @TempDir private Path folder;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int prepare(Path in, String... more) {
    List<String> arguments =
        Stream.concat(
                Stream.of("prepare", "--input", in.toString(), "--out", dataset().toString()),
                Stream.concat(Stream.of("--master", "local[2]", "--json"), Stream.of(more)))
            .toList();
    Surroundings around =
        new Surroundings(
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            SessionSource::ours);
    return Talespark.run(arguments.toArray(String[]::new), around);
  }

  private Path dataset() {
    return folder.resolve("dataset");
  }

  private JsonNode lastLine() throws IOException {
    List<String> lines = out.toString(UTF_8).lines().toList();
    return new ObjectMapper().readTree(lines.get(lines.size() - 1));
  }

  @Test
  void theReportIsWrittenWithTheDatasetAndAgainWhenItIsMissing() throws Exception {
    Path corpus = folder.resolve("corpus");
    new SceneCorpus(new SceneCorpus.Config(24, 48, 3, corpus)).run();
    Files.writeString(corpus.resolve("000/words.jpg"), "only <b>words</b>");
    Files.writeString(corpus.resolve("000/words.txt"), "nothing to see");

    assertThat(prepare(corpus, "--format", "folder", "--set", "prepare.dedup=true"))
        .as(err.toString(UTF_8))
        .isZero();

    JsonNode first = lastLine();
    assertThat(first.get("accepted").asInt()).isEqualTo(24);
    assertThat(first.get("rejected").toString()).isEqualTo("{\"unsupported_format\":1}");
    assertThat(new ObjectMapper().readTree(dataset().resolve("result.json").toFile()))
        .isEqualTo(first);
    assertThat(err.toString(UTF_8)).contains("prepare examine 1/1 100%", "prepare shards 3/3 100%");
    Path report = dataset().resolve("report.html");
    String page = Files.readString(report);
    assertThat(page)
        .contains("unsupported_format", "words.jpg", "data:image/png;base64,", "Settings")
        .doesNotContain("<b>words</b>");
    assertThat(page.split("data:image/png;base64,", -1)).hasSize(25);

    Files.delete(report);
    assertThat(prepare(corpus, "--append", "--set", "prepare.format=folder")).isZero();
    assertThat(lastLine().get("unchanged").asBoolean()).isTrue();
    assertThat(report).hasContent(page);
  }

  @Test
  void unusableInputsAndUnknownSettingsHaveTheirExitCodes() throws Exception {
    Path in = Files.createDirectories(folder.resolve("in"));
    Files.write(in.resolve("a.png"), new byte[0]);
    assertThat(prepare(in)).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(err.toString(UTF_8)).contains("no usable row", "empty_file=1");
    assertThat(prepare(in, "--format", "folders")).isEqualTo(ExitCode.BAD_USAGE);
    assertThat(prepare(in, "--set", "prepare.dedup=nearly")).isEqualTo(ExitCode.BAD_USAGE);
    assertThat(err.toString(UTF_8)).contains("prepare.format", "none, exact or near");
    assertThat(dataset().resolve("dataset.json")).doesNotExist();
  }
}
