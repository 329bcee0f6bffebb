package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Dataset;
import org.talespark.data.dataset.Sample;
import org.talespark.data.dataset.Shard;
import org.talespark.data.dataset.ShardReader;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.jobs.train.Tiny;
import org.talespark.jobs.train.TrainedModels;
import org.talespark.zoo.io.SafetensorsFile;

@Timeout(240)
class SearchJobTest {
  private static final Configuration HADOOP = new Configuration();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());
  private static final List<String> TEXTS = List.of("a red cat in the meadow", "two owls");

  @TempDir private static Path folder;
  private static Path dataset;
  private static Path run;
  private static Path embeddings;
  private static SparkSession session;

  /** Two texts searched for among the pictures by two executors. */
  private static Path two;

  @TempDir private Path fresh;

  @BeforeAll
  static void prepare() throws IOException {
    dataset = Tiny.dataset(folder);
    run = TrainedModels.clip(folder);
    embeddings = folder.resolve("embeddings");
    two = folder.resolve("two");
    session = open("local-cluster[2,1,1536]");
    embed(dataset, embeddings);
    search(settings(embeddings, new Queries(TEXTS, List.of(), null), "image", 5), two);
    session.stop();
    session = open("local[1]");
  }

  private static SparkSession open(String master) {
    return Sessions.open(master, "searching", Sessions.defaultConfig(master));
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static void embed(Path input, Path out) throws IOException {
    EmbedJob job =
        new EmbedJob(Tiny.uri(run), Tiny.uri(input), Split.TRAIN, null, Tiny.uri(out), SILENT);
    job.run(session);
    job.commit(session, "{}");
  }

  private static SearchJob.Settings settings(Path input, Queries queries, String kind, int most) {
    return new SearchJob.Settings(
        Tiny.uri(run), Tiny.uri(input), Split.TRAIN, queries, EmbeddingSet.Kind.of(kind), most);
  }

  private static SearchJob.Result search(SearchJob.Settings settings, Path out) throws IOException {
    SearchJob job = new SearchJob(settings, Tiny.uri(out), SILENT);
    SearchJob.Result result = job.run(session);
    assertThat(out.resolve("result.json")).doesNotExist();
    job.commit(session, "{\"queries\":%d}".formatted(result.queries()));
    return result;
  }

  private static List<JsonNode> lines(Path out) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(out.resolve("results.jsonl"), UTF_8)) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  private static List<String> keys(JsonNode line) {
    List<String> keys = new ArrayList<>();
    line.get("keys").forEach(key -> keys.add(key.asText()));
    return keys;
  }

  private static float[][] rows(Path out, String tensor) throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(out.resolve("embeddings.safetensors"))) {
      return file.tensor(tensor).load().toFloatMatrix();
    }
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int p = 0; p < a.length; p++) {
      sum += (double) a[p] * b[p];
    }
    return sum;
  }

  /** Keys of the rows that are most similar to a query, by comparing it with all. */
  private static List<String> bruteForce(float[] query, String kind, int most) throws IOException {
    float[][] rows = rows(embeddings, kind + "_embeds");
    List<String> keys = Files.readAllLines(embeddings.resolve(kind + "_keys.txt"));
    return IntStream.range(0, rows.length)
        .boxed()
        .sorted(
            Comparator.comparingDouble((Integer row) -> -dot(query, rows[row]))
                .thenComparingInt(row -> row))
        .limit(most)
        .map(keys::get)
        .toList();
  }

  // --- results

  @Test
  void theFilesDoNotDependOnExecutors() throws IOException {
    Path one = fresh.resolve("one");
    SearchJob.Result result =
        search(settings(embeddings, new Queries(TEXTS, List.of(), null), "image", 5), one);
    assertThat(result.queries()).isEqualTo(2);
    assertThat(result.rows()).isEqualTo(rows(embeddings, "image_embeds").length);
    for (String file : List.of("results.jsonl", "results.html")) {
      assertThat(one.resolve(file)).hasSameBinaryContentAs(two.resolve(file));
    }
  }

  @Test
  void resultsAreThoseOfBruteForce() throws IOException {
    Path asked = fresh.resolve("asked.txt");
    Files.writeString(asked, String.join("\n", TEXTS) + "\n");
    embed(asked, fresh.resolve("asked"));
    float[][] queries = rows(fresh.resolve("asked"), "text_embeds");
    List<JsonNode> lines = lines(two);
    assertThat(lines).hasSize(2);
    for (int q = 0; q < 2; q++) {
      JsonNode line = lines.get(q);
      assertThat(line.get("query").asText()).isEqualTo(TEXTS.get(q));
      assertThat(line.get("kind").asText()).isEqualTo("text");
      assertThat(keys(line)).hasSize(5).isEqualTo(bruteForce(queries[q], "image", 5));
      assertThat(line.get("scores")).hasSize(5);
    }
  }

  @Test
  void aPictureFindsItselfAndTextsAreFoundToo() throws IOException {
    Path pictures = Files.createDirectory(fresh.resolve("pictures"));
    Map<String, Sample> samples = samples();
    List<String> keys = Files.readAllLines(embeddings.resolve("image_keys.txt"));
    for (int i : new int[] {3, 7}) {
      Files.write(pictures.resolve(keys.get(i) + ".png"), samples.get(keys.get(i)).image());
    }
    Path image = pictures.resolve(keys.get(3) + ".png");
    Path out = fresh.resolve("out");
    search(
        settings(embeddings, new Queries(List.of(), List.of(image.toString()), null), "image", 3),
        out);
    JsonNode line = lines(out).get(0);
    assertThat(line.get("kind").asText()).isEqualTo("image");
    assertThat(line.get("query").asText()).endsWith(keys.get(3) + ".png");
    assertThat(keys(line))
        .isEqualTo(bruteForce(rows(embeddings, "image_embeds")[3], "image", 3))
        .startsWith(keys.get(3));
    assertThat(line.get("scores").get(0).asDouble()).isBetween(0.99999, 1.00001);
    assertThat(Files.readString(out.resolve("results.html"))).contains(">query<");

    search(
        settings(embeddings, new Queries(List.of(), List.of(), pictures.toString()), "text", 4),
        out);
    List<JsonNode> lines = lines(out);
    assertThat(lines).hasSize(2);
    assertThat(keys(lines.get(0)))
        .isIn(
            bruteForce(rows(embeddings, "image_embeds")[3], "text", 4),
            bruteForce(rows(embeddings, "image_embeds")[7], "text", 4));
  }

  @Test
  void aDatasetIsEmbeddedFirstAndNothingOfItIsLeft() throws IOException {
    Path queries = fresh.resolve("queries.jsonl");
    Files.writeString(
        queries, TEXTS.stream().map("{\"text\": \"%s\"}\n"::formatted).reduce("", String::concat));
    Path out = fresh.resolve("out");
    search(
        settings(dataset, new Queries(List.of(), List.of(), queries.toString()), "image", 5), out);
    assertThat(out.resolve("results.jsonl")).hasSameBinaryContentAs(two.resolve("results.jsonl"));
    assertThat(out.resolve("results.html")).hasSameBinaryContentAs(two.resolve("results.html"));
    assertThat(out.resolve("embeddings")).doesNotExist();
  }

  @Test
  void allRowsAreFoundWhereMoreAreWanted() throws IOException {
    int count = rows(embeddings, "image_embeds").length;
    Path out = fresh.resolve("out");
    search(settings(embeddings, new Queries(TEXTS, List.of(), null), "image", count + 10), out);
    assertThat(keys(lines(out).get(0)))
        .containsExactlyInAnyOrderElementsOf(
            Files.readAllLines(embeddings.resolve("image_keys.txt")));
  }

  // --- the page

  private static Map<String, Sample> samples() {
    Map<String, Sample> samples = new HashMap<>();
    for (Shard shard : Dataset.open(Tiny.uri(dataset), HADOOP).shards(Split.TRAIN)) {
      try (ShardReader reader = shard.open(HADOOP)) {
        reader.forEachRemaining(sample -> samples.put(sample.key(), sample));
      }
    }
    return samples;
  }

  @Test
  void thePageHoldsEachPictureThatWasFound() throws IOException {
    String page = Files.readString(two.resolve("results.html"), UTF_8);
    Map<String, Sample> samples = samples();
    for (JsonNode line : lines(two)) {
      assertThat(page).contains(line.get("query").asText());
      for (String key : keys(line)) {
        byte[] small = FoundItems.small(samples.get(key).image(), key);
        assertThat(page)
            .contains("data:image/png;base64," + Base64.getEncoder().encodeToString(small))
            .contains("(" + key + ") " + samples.get(key).caption());
      }
    }
    assertThat(page).contains("default-src 'none'").doesNotContain("src=\"http");
  }

  @Test
  void withoutTheInputThePageSaysSo() throws IOException {
    Path copy = fresh.resolve("copy");
    Path input = Files.createDirectory(fresh.resolve("folder"));
    Sample sample = samples().values().iterator().next();
    Files.write(input.resolve("one.png"), sample.image());
    embed(input, copy);
    Queries queries = new Queries(TEXTS, List.of(), null);
    search(settings(copy, queries, "image", 5), fresh.resolve("with"));
    assertThat(Files.readString(fresh.resolve("with/results.html"))).contains("data:image/png");
    Files.move(input.resolve("one.png"), input.resolve("other.png"));
    assertThatThrownBy(() -> search(settings(copy, queries, "image", 5), fresh.resolve("out")))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("key=other, expected key=one");
    Files.delete(input.resolve("other.png"));
    search(settings(copy, queries, "image", 5), fresh.resolve("without"));
    assertThat(Files.readString(fresh.resolve("without/results.html")))
        .contains("Without pictures")
        .doesNotContain("data:image/png");
    assertThat(fresh.resolve("without/results.jsonl"))
        .hasSameBinaryContentAs(fresh.resolve("with/results.jsonl"));
  }

  // --- what cannot be used

  private void refuses(
      Class<? extends Exception> kind, SearchJob.Settings settings, String... words) {
    assertThatThrownBy(() -> search(settings, fresh.resolve("out")))
        .isExactlyInstanceOf(kind)
        .satisfies(e -> assertThat(e.getMessage()).contains(words));
  }

  /** Of files that are changed by hand. */
  private static void withoutChecksums(Path directory) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      for (Path file : all.filter(path -> path.toString().endsWith(".crc")).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void whatCannotBeSearchedIsRefused() throws IOException {
    Queries queries = new Queries(TEXTS, List.of(), null);
    Path copy = fresh.resolve("copy");
    Tiny.copy(embeddings, copy);
    withoutChecksums(copy);
    Files.delete(copy.resolve("result.json"));
    refuses(BadInputException.class, settings(copy, queries, "image", 3), "is not committed");
    Files.copy(embeddings.resolve("result.json"), copy.resolve("result.json"));
    Files.writeString(copy.resolve("image_keys.txt"), "only-one\n");
    refuses(
        BadInputException.class,
        settings(copy, queries, "image", 3),
        "image_keys.txt has 1 lines, expected one for each");
    byte[] damaged = Files.readAllBytes(copy.resolve("embeddings.safetensors"));
    Files.write(copy.resolve("embeddings.safetensors"), Arrays.copyOf(damaged, 900));
    refuses(BadInputException.class, settings(copy, queries, "image", 3), "embeddings.safetensors");

    Path other = TrainedModels.clip(Files.createDirectory(fresh.resolve("other")), "train.seed=9");
    refuses(
        BadInputException.class,
        new SearchJob.Settings(
            Tiny.uri(other),
            Tiny.uri(embeddings),
            Split.TRAIN,
            queries,
            EmbeddingSet.Kind.IMAGE,
            3),
        "was embedded with checkpoint=",
        "or embed again");
    Path texts = Files.writeString(fresh.resolve("texts.txt"), "a red cat");
    refuses(
        BadInputException.class,
        settings(texts, queries, "image", 3),
        "holds no image; try another --find");
  }

  @Test
  void queriesThatCannotBeUsedAreRefused() throws IOException {
    refuses(
        IllegalArgumentException.class,
        settings(embeddings, new Queries(List.of(), List.of(), null), "image", 3),
        "queries=0",
        "try --query TEXT");
    Path lines =
        Files.writeString(fresh.resolve("lines.jsonl"), "{\"text\": \"a\", \"image\": \"b\"}");
    Queries both = new Queries(List.of(), List.of(), lines.toString());
    refuses(
        BadInputException.class,
        settings(embeddings, both, "image", 3),
        "line=1",
        "expected text or image");
    Files.writeString(lines, "{\"txt\": \"a\"}");
    refuses(BadInputException.class, settings(embeddings, both, "image", 3), "did you mean text?");
    refuses(
        BadInputException.class,
        settings(embeddings, new Queries(List.of(), List.of(), fresh + "/no.txt"), "image", 3),
        "no.txt does not exist");
    assertThatThrownBy(() -> settings(embeddings, both, "image", 0))
        .hasMessageContaining("--top=0, expected 1 to 10000");
    assertThatThrownBy(() -> settings(embeddings, both, "picture", 3))
        .hasMessageContaining("--find=picture, expected image or text");
  }
}
