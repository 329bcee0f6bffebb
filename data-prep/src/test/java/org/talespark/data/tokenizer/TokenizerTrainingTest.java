package org.talespark.data.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.tokenizer.TokenizerTraining.Trained;

class TokenizerTrainingTest {

  private static final TokenizerConfig CONFIG = TokenizerConfig.defaults();
  private static final List<String> COLOURS = List.of("red", "blue", "green", "yellow", "brown");
  private static final List<String> THINGS = List.of("cat", "boat", "teapot", "b\u00e4r", "\u732b");

  private static SparkSession spark;

  @TempDir Path temporary;

  @BeforeAll
  static void startSpark() {
    spark =
        SparkSession.builder()
            .master("local[2]")
            .appName("tokenizer-test")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "2")
            .getOrCreate();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  private static List<List<String>> samples(int count) {
    Random random = new Random(9);
    List<List<String>> samples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String colour = COLOURS.get(random.nextInt(5));
      String thing = THINGS.get(random.nextInt(5));
      samples.add(List.of("The %s %s isn't here, \uD83D\uDC31!".formatted(colour, thing), thing));
    }
    return samples;
  }

  private static Trained train(Dataset dataset, int vocabulary) {
    return new TokenizerTraining(dataset, vocabulary, CONFIG).run(spark);
  }

  @Test
  void allCaptionsOfTrainingSamplesCountAndTheirOrderDoesNotMatter() throws IOException {
    List<List<String>> samples = samples(60);
    Trained trained = train(IndexedDataset.write(spark, temporary.resolve("a"), samples), 300);
    assertThat(trained.captions()).isEqualTo(120);
    assertThat(trained.merges()).isEqualTo(300 - 256 - 3);
    assertThat(trained.leastWordCount()).isOne();

    Map<String, Long> counts = new HashMap<>();
    for (List<String> sample : samples) {
      for (String caption : sample) {
        PreTokenizer.words(caption).forEach(word -> counts.merge(word, 1L, Long::sum));
      }
    }
    assertThat(trained.distinctWords()).isEqualTo(counts.size());
    assertThat(trained.words()).isEqualTo(counts.values().stream().mapToLong(n -> n).sum());
    JsonNode model = new ObjectMapper().readTree(trained.json()).get("model");
    List<String> merges = new ArrayList<>();
    model.get("merges").forEach(merge -> merges.add(merge.textValue()));
    assertThat(merges)
        .isEqualTo(
            NaiveBpe.train(counts, 41, 2).stream().map(m -> m.left() + " " + m.right()).toList());
    assertThat(model.get("vocab")).hasSize(300);

    Collections.shuffle(samples, new Random(1));
    Trained again = train(IndexedDataset.write(spark, temporary.resolve("b"), samples), 300);
    assertThat(new String(again.json(), UTF_8)).isEqualTo(new String(trained.json(), UTF_8));
    try (HuggingFaceTokenizer tokenizer =
        HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(trained.json()), Map.of())) {
      String caption = samples.get(0).get(0);
      long[] ids = tokenizer.encode(caption).getIds();
      assertThat(tokenizer.decode(ids, true)).isEqualTo(caption);
      assertThat(ids.length).isLessThan(caption.length() / 2);
    }
  }

  @Test
  void aCorpusThatIsTooSmallSaysHowManyTokensItGives() throws IOException {
    Dataset dataset =
        IndexedDataset.write(
            spark, temporary.resolve("d"), List.of(List.of("a cat a cat"), List.of("cat")));
    // with " cat" twice and "cat" once "at" and "cat" come to be, and " cat"
    assertThatThrownBy(() -> train(dataset, 5000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("vocab=5000, expected at most 262")
        .hasMessageContaining("try --vocab 262");
    assertThat(train(dataset, 262).merges()).isEqualTo(3);
  }

  @Test
  void wordsThatDoNotFitAreLeftOutByTheirCount() throws IOException {
    Dataset dataset =
        IndexedDataset.write(
            spark,
            temporary.resolve("e"),
            List.of(List.of("aa aa aa bb bb cc"), List.of("aa"), List.of("dd")));
    try (WordCounts counts = WordCounts.of(WordCounts.captions(dataset, spark).rows())) {
      // thirteen bytes: " aa", "aa" and " bb" twice, " cc" and "dd" once
      WordCounts.Totals all = counts.totals(WordCounts.Limits.defaults());
      assertThat(all).isEqualTo(new WordCounts.Totals(8, 5, 1));
      assertThat(counts.totals(new WordCounts.Limits(4, 1000)).leastCount()).isEqualTo(2);
      assertThat(counts.totals(new WordCounts.Limits(5, 1000)).leastCount()).isOne();
      assertThat(counts.totals(new WordCounts.Limits(5, 12)).leastCount()).isEqualTo(2);
      List<String> words = new ArrayList<>();
      counts.forEach(2, (word, count) -> words.add(word));
      assertThat(words).containsExactlyInAnyOrder(" aa", "aa", " bb");
    }
  }

  @Test
  void aDatasetWithoutCaptionsOrWithAnotherIndexIsBadInput() throws IOException {
    Path root = temporary.resolve("f");
    Dataset none = IndexedDataset.write(spark, root, List.of());
    assertThatThrownBy(() -> train(none, 300))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no training caption");
    IndexedDataset.manifest(root, 7, 3);
    Dataset other = Dataset.open(root.toString(), spark.sessionState().newHadoopConf());
    assertThatThrownBy(() -> train(other, 300))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("0 training rows in its index, expected 7");
  }

  @Test
  void settingsAreChecked() {
    assertThat(CONFIG.special()).containsExactly("<pad>", "<eos>", "<bos>");
    assertThat(CONFIG.leastPairCount()).isEqualTo(2);
    for (String name : List.of("pad", "<>", "<a b>", "<|>", "<a><b>", "<\u00c2\u00a1>", "")) {
      assertThatThrownBy(() -> CONFIG.withSpecial(List.of(name)))
          .as(name)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("<pad>");
    }
    assertThat(CONFIG.withSpecial(List.of("<|image|>", "</s>")).leastVocabulary()).isEqualTo(258);
    assertThatThrownBy(() -> CONFIG.withSpecial(List.of("<a>", "<a>")))
        .hasMessageContaining("once");
    assertThatThrownBy(() -> CONFIG.checkVocabulary(258))
        .hasMessageContaining("vocab=258, expected 259");
    assertThatThrownBy(() -> new TokenizerConfig(List.of(), 0)).hasMessageContaining("least_pair");
  }
}
