package org.talespark.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.tokenizer.TokenizerConfig;
import org.talespark.jobs.corpus.TokenizerJob;

class TokenizerCommandTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TokenizerConfig CONFIG = TokenizerConfig.defaults();

  @TempDir private static Path shared;
  private static Path dataset;

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  @TempDir private Path temporary;

  private record Outcome(int code, JsonNode result) {}

  private static SparkSession local() {
    return SparkSession.builder()
        .master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate();
  }

  @BeforeAll
  static void prepareDataset() throws IOException {
    TokenizerCommandTest here = new TokenizerCommandTest();
    dataset = shared.resolve("dataset");
    String corpus = shared.resolve("corpus").toString();
    here.run("corpus", "scenes", "--pages", "40", "--size", "32", "--out", corpus);
    Outcome prepared = here.run("prepare", "--input", corpus, "--out", dataset.toString());
    assertThat(prepared.code()).as(here.err.toString(UTF_8)).isZero();
  }

  @AfterAll
  static void stopSpark() {
    local().stop();
  }

  private Outcome run(String... args) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Surroundings around =
        new Surroundings(
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            (name, master) -> local());
    String[] all = Arrays.copyOf(args, args.length + 1);
    all[args.length] = "--json";
    int code = Talespark.run(all, around);
    List<String> lines = out.toString(UTF_8).lines().toList();
    return new Outcome(code, JSON.readTree(lines.get(lines.size() - 1)));
  }

  private Outcome tokenizer(Path out, String... more) throws IOException {
    String[] args = Arrays.copyOf(more, more.length + 5);
    List<String> first = List.of("tokenizer", "--dataset", dataset.toString(), "--out", "" + out);
    System.arraycopy(more, 0, args, 5, more.length);
    System.arraycopy(first.toArray(), 0, args, 0, 5);
    return run(args);
  }

  /** What the command does, with a session that goes on. */
  private static TokenizerJob.Result train(Path out, int vocabulary, TokenizerConfig config)
      throws IOException {
    TokenizerJob job = new TokenizerJob(dataset.toString(), vocabulary, out.toString(), config);
    TokenizerJob.Result result = job.run(local());
    job.commit(local(), Context.line(result));
    return result;
  }

  @Test
  void theCommandCommitsTheTokenizerAndPrintsTheResult() throws IOException {
    Path out = temporary.resolve("tokenizer");
    Outcome trained =
        tokenizer(out, "--vocab", "340", "--special", "<eos>", "--special", "<image>");
    assertThat(trained.code()).as(err.toString(UTF_8)).isZero();
    assertThat(JSON.readTree(out.resolve("result.json").toFile())).isEqualTo(trained.result());
    assertThat(trained.result().get("vocabulary").asInt()).isEqualTo(340);
    assertThat(trained.result().get("special").toString()).isEqualTo("[\"<eos>\",\"<image>\"]");
    JsonNode file = JSON.readTree(out.resolve("tokenizer.json").toFile());
    assertThat(file.at("/model/vocab")).hasSize(340);
    assertThat(file.at("/added_tokens/1/content").asText()).isEqualTo("<image>");
  }

  @Test
  void theSameRunAgainChangesNothingUnlessTheFileIsDamaged() throws IOException {
    Path out = temporary.resolve("tokenizer");
    TokenizerJob.Result first = train(out, 350, CONFIG);
    assertThat(first.unchanged()).isFalse();
    Path file = out.resolve("tokenizer.json");
    byte[] bytes = Files.readAllBytes(file);
    Object time = Files.getLastModifiedTime(file);
    TokenizerJob.Result again = train(out, 350, CONFIG);
    assertThat(again.unchanged()).isTrue();
    assertThat(again.sha256()).isEqualTo(first.sha256());
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(time);
    Files.writeString(file, "damaged");
    assertThat(train(out, 350, CONFIG)).isEqualTo(first);
    assertThat(Files.readAllBytes(file)).isEqualTo(bytes);
    assertThat(train(out, 340, CONFIG).unchanged()).isFalse();
  }

  @Test
  void whatCannotBeTrainedLeavesTheEarlierOutputWhole() throws IOException {
    Path out = temporary.resolve("tokenizer");
    train(out, 300, CONFIG);
    byte[] before = Files.readAllBytes(out.resolve("result.json"));
    assertThatThrownBy(() -> train(out, 100_000, CONFIG))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching(".* try --vocab \\d+ or more captions");
    assertThatThrownBy(() -> new TokenizerJob("" + out, 300, "" + out, CONFIG).run(local()))
        .isInstanceOf(BadInputException.class);
    assertThat(Files.readAllBytes(out.resolve("result.json"))).isEqualTo(before);

    Path mine = Files.createDirectories(temporary.resolve("mine"));
    Files.writeString(mine.resolve("notes.txt"), "mine");
    assertThatThrownBy(() -> train(mine, 300, CONFIG)).hasMessageContaining("not ours");
    assertThat(mine.toFile().list()).containsExactly("notes.txt");
  }

  @Test
  void wrongUsageEndsWithTwoBeforeAnySessionIsOpened() throws IOException {
    Path out = temporary.resolve("tokenizer");
    assertThat(tokenizer(out, "--vocab", "258").code()).isEqualTo(2);
    assertThat(tokenizer(out, "--vocab", "300", "--special", "pad").code()).isEqualTo(2);
    assertThat(tokenizer(out, "--vocab", "300", "--set", "tokenizer.pairs=3").code()).isEqualTo(2);
    assertThat(out).doesNotExist();
  }

  @Test
  void aDryRunPrintsTheSettingsAndDoesNothing() throws IOException {
    Path out = temporary.resolve("tokenizer");
    Outcome planned =
        tokenizer(out, "--vocab", "300", "--set", "tokenizer.least_pair_count=3", "--dry-run");
    assertThat(planned.code()).as(err.toString(UTF_8)).isZero();
    assertThat(planned.result().at("/tokenizer/least_pair_count").asInt()).isEqualTo(3);
    assertThat(planned.result().at("/tokenizer/special")).hasSize(3);
    assertThat(planned.result().get("training_samples").asInt()).isPositive();
    assertThat(out).doesNotExist();
  }
}
