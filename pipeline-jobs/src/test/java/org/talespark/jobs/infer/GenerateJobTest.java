package org.talespark.jobs.infer;

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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkException;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Split;
import org.talespark.data.image.Images;
import org.talespark.jobs.cluster.Sessions;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.jobs.train.TrainedModels;
import org.talespark.zoo.diffusion.DiffusionModel;
import org.talespark.zoo.diffusion.Sampler;
import org.talespark.zoo.diffusion.Spacing;
import org.talespark.zoo.nn.NoiseKey;

@Timeout(120)
class GenerateJobTest {
  private static final int SIZE = 32;
  private static final int AREA = SIZE * SIZE;
  private static final Sampler SAMPLER = new Sampler.Ddim(3, 1, Spacing.TRAILING);
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path folder;
  private static String run;
  private static SparkSession session;

  /** Seven pictures, two at a time, made by two executors. */
  private static Path two;

  @TempDir private Path fresh;

  /** Where the model of the next job lies. */
  private String model = run;

  private final ByteArrayOutputStream log = new ByteArrayOutputStream();

  @BeforeAll
  static void prepare() throws IOException {
    run = uri(TrainedModels.diffusion(folder.resolve("run")));
    two = folder.resolve("two");
    session = open("local-cluster[2,1,1536]");
    new GenerateJobTest().generate(null, config(7, null), two);
    session.stop();
    session = open("local[1]");
  }

  private static SparkSession open(String master) {
    return Sessions.open(master, "generating", Sessions.defaultConfig(master));
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  private static String uri(Path path) {
    return path.toUri().toString();
  }

  private static GenerateConfig config(int number, Double strength) {
    return new GenerateConfig(SAMPLER, null, 5, number, 2, strength);
  }

  private GenerateJob.Result generate(Path input, GenerateConfig config, Path out)
      throws IOException {
    GenerateJob job = job(input, config, out);
    GenerateJob.Result result = job.run(session);
    assertThat(out.resolve("result.json")).doesNotExist();
    job.commit(session, "{\"images\":%d}".formatted(result.images()));
    return result;
  }

  private GenerateJob job(Path input, GenerateConfig config, Path out) {
    Prompts prompts = input == null ? null : new Prompts(uri(input), Split.TEST, 100);
    PrintStream stream = new PrintStream(log, true, UTF_8);
    return new GenerateJob(model, prompts, config, uri(out), stream);
  }

  private static Map<String, String> contents(Path out) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> all = Files.walk(out)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        String name = out.relativize(file).toString();
        if (!file.getFileName().toString().startsWith(".")) {
          contents.put(name, Arrays.toString(Files.readAllBytes(file)));
        }
      }
    }
    return contents;
  }

  private static List<JsonNode> rows(Path out) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(out.resolve("prompts.jsonl"), UTF_8)) {
      rows.add(JSON.readTree(line));
    }
    return rows;
  }

  private static float[] picture(Path out, int index) throws IOException {
    Path file = out.resolve("images").resolve("%05d.png".formatted(index));
    return Images.decodePlanar(Files.readAllBytes(file), SIZE);
  }

  /** A smooth picture. */
  private Path original(String name) throws IOException {
    float[] planes = new float[3 * AREA];
    for (int i = 0; i < planes.length; i++) {
      planes[i] = (float) Math.sin(i * 0.01);
    }
    return Files.write(fresh.resolve(name), Images.encodePng(planes, SIZE));
  }

  @Test
  void theFilesDoNotDependOnExecutors() throws IOException {
    Path one = fresh.resolve("one");
    GenerateJob.Result result = generate(null, config(7, null), one);
    assertThat(result.images()).isEqualTo(7);
    assertThat(result.imagesPerSecond()).isPositive();
    Map<String, String> files = contents(one);
    assertThat(files.keySet())
        .contains("prompts.jsonl", "report.html", "result.json", "images/00006.png")
        .filteredOn(name -> name.startsWith("images/"))
        .hasSize(7)
        .extracting(files::get)
        .doesNotHaveDuplicates();
    assertThat(files).isEqualTo(contents(two));
    assertThat(log.toString(UTF_8)).contains("generate 7/7 100%").contains("images/s");
  }

  @Test
  void aPictureIsWhatTheModelMakesOfItsSeedPromptAndNumber() throws IOException {
    try (DiffusionModel model =
        new DiffusionModel(LearnerFiles.pretrained(new Configuration()).apply(run), 2)) {
      long last = NoiseKey.sampling(5, "", 6);
      float[] made =
          model.generate(
              List.of("", ""), new long[] {last, last}, new DiffusionModel.Options(SAMPLER, null));
      float[] written = picture(two, 6);
      for (int i = 0; i < written.length; i++) {
        assertThat(written[i]).isBetween(clipped(made[i]) - 0.004f, clipped(made[i]) + 0.004f);
      }
    }
  }

  private static float clipped(float value) {
    return Math.max(-1, Math.min(1, value));
  }

  @Test
  void rowsSayHowEachPictureWasMade() throws IOException {
    List<JsonNode> rows = rows(two);
    assertThat(rows).hasSize(7);
    JsonNode row = rows.get(3);
    assertThat(row.get("index").asInt()).isEqualTo(3);
    assertThat(row.get("file").asText()).isEqualTo("images/00003.png");
    assertThat(row.get("prompt").asText()).isEmpty();
    assertThat(row.get("seed").asLong()).isEqualTo(5);
    assertThat(row.get("number").asInt()).isEqualTo(3);
    JsonNode settings = row.get("settings");
    assertThat(settings.get("checkpoint").asText()).endsWith("run/checkpoints/step-00000004");
    assertThat(settings.get("sampler").get("type").asText()).isEqualTo("ddim");
    assertThat(settings.get("sampler").get("steps").asInt()).isEqualTo(3);
    assertThat(settings.get("batch").asInt()).isEqualTo(2);
    assertThat(settings.has("strength")).isFalse();
    assertThat(Files.readString(two.resolve("report.html"), UTF_8))
        .contains("data:image/png;base64,")
        .contains("step-00000004");
  }

  @Test
  void strengthZeroGivesTheOriginalsBack() throws IOException {
    original("one.png");
    Path input = fresh.resolve("pictures.jsonl");
    Files.writeString(input, "{\"image\": \"one.png\", \"seed\": 9}\n", UTF_8);
    Path out = fresh.resolve("out");
    generate(input, config(2, 0.0), out);
    for (int i = 0; i < 2; i++) {
      assertThat(picture(out, i))
          .containsExactly(Images.decodePlanar(Files.readAllBytes(fresh.resolve("one.png")), SIZE));
      assertThat(rows(out).get(i).get("seed").asLong()).isEqualTo(9);
      assertThat(rows(out).get(i).at("/settings/strength").asDouble()).isZero();
    }
    Path varied = fresh.resolve("varied");
    generate(input, config(2, null), varied);
    assertThat(picture(varied, 0)).isNotEqualTo(picture(out, 0));
    assertThat(picture(varied, 1)).isNotEqualTo(picture(varied, 0));
    assertThat(rows(varied).get(0).at("/settings/strength").asDouble()).isEqualTo(0.8);
  }

  @Test
  void underAMaskWhatIsBlackStaysToTheByte() throws IOException {
    original("one.png");
    float[] mask = new float[3 * AREA];
    Arrays.fill(mask, -1);
    for (int i = 0; i < 3 * AREA; i++) {
      if (i % SIZE >= SIZE / 2) {
        mask[i] = 1; // the right half
      }
    }
    Files.write(fresh.resolve("mask.png"), Images.encodePng(mask, SIZE));
    Path input = fresh.resolve("pictures.jsonl");
    Files.writeString(
        input,
        """
        {"image": "one.png"}

        {"image": "one.png", "mask": "mask.png"}
        """,
        UTF_8);
    Path out = fresh.resolve("out");
    generate(input, config(1, null), out);
    float[] made = picture(out, 1);
    float[] before = Images.decodePlanar(Files.readAllBytes(fresh.resolve("one.png")), SIZE);
    long changed =
        IntStream.range(0, made.length).filter(i -> mask[i] > 0 && made[i] != before[i]).count();
    assertThat(changed).isGreaterThan(AREA);
    assertThat(IntStream.range(0, made.length).filter(i -> mask[i] < 0))
        .allMatch(i -> made[i] == before[i]);
    assertThat(rows(out).get(1).at("/settings/strength").asDouble()).isOne();
  }

  @Test
  void anOutputIsReplacedAsAWholeAndNotCommittedWhenItFails() throws IOException {
    Path out = fresh.resolve("out");
    generate(null, config(3, null), out);
    Files.writeString(fresh.resolve("notes.png"), "not a picture", UTF_8);
    Path input = fresh.resolve("pictures.jsonl");
    Files.writeString(input, "{\"image\": \"notes.png\"}\n", UTF_8);
    assertThatThrownBy(() -> generate(input, config(1, null), out))
        .isInstanceOf(SparkException.class)
        .hasStackTraceContaining("notes.png reason=unsupported_format, expected a PNG");
    assertThat(out.resolve("result.json")).doesNotExist();
    generate(null, config(2, null), out);
    assertThat(contents(out).keySet())
        .filteredOn(name -> name.startsWith("images/"))
        .containsExactly("images/00000.png", "images/00001.png");
    assertThat(rows(out)).hasSize(2);
  }

  private void refuses(Class<? extends Exception> kind, String input, String... message)
      throws IOException {
    Path file = fresh.resolve("prompts.jsonl");
    Files.writeString(file, input, UTF_8);
    assertThatThrownBy(() -> job(file, config(1, null), fresh.resolve("out")).run(session))
        .isExactlyInstanceOf(kind)
        .satisfies(e -> assertThat(e.getMessage()).contains(message));
    assertThat(fresh.resolve("out")).doesNotExist();
  }

  @Test
  void inputsThatCannotBeUsedAreRefusedBeforeAnythingIsWritten() throws IOException {
    refuses(BadInputException.class, "\n \n", "prompts.jsonl holds none");
    refuses(
        BadInputException.class,
        "{\"seed\": 1}\n{\"promt\": \"x\"}",
        "line=2: promt",
        "did you mean prompt?");
    refuses(BadInputException.class, "a red house", "line=1: a red house, expected an object");
    refuses(BadInputException.class, "{\"mask\": \"m.png\"}", "a mask only with an image");
    refuses(
        IllegalArgumentException.class,
        "{\"prompt\": \"a red house\"}",
        "has no texts, but prompt=a red house",
        "--number N without --input");
    assertThatThrownBy(
            () -> job(fresh.resolve("no.txt"), config(1, null), fresh.resolve("out")).run(session))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no.txt does not exist");
    GenerateConfig guided = new GenerateConfig(null, 2.0, 1, 1, 2, null);
    assertThatThrownBy(() -> job(null, guided, fresh.resolve("out")).run(session))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("generate.guidance=2.0, expected none");
    assertThatThrownBy(() -> job(null, config(1, 0.5), fresh.resolve("out")).run(session))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a line of --input to have an image");
    Sampler slow = new Sampler.Ddim(2000, 0, Spacing.TRAILING);
    GenerateConfig tooLong = new GenerateConfig(slow, null, 1, 1, 2, null);
    assertThatThrownBy(() -> job(null, tooLong, fresh.resolve("out")).run(session))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("steps=2000, expected at most the model's 1000");
  }

  @Test
  void aModelOfAnotherKindIsRefused() throws IOException {
    model = uri(TrainedModels.vqGan(fresh.resolve("vqgan")));
    assertThatThrownBy(() -> job(null, config(1, null), fresh.resolve("out")).run(session))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("model.type=vqgan, expected a diffusion model");
  }

  @Test
  void aModelOfLatentsDrawsWhatPromptsSay() throws IOException {
    model = uri(TrainedModels.textToImage(Files.createDirectories(fresh.resolve("latent"))));
    Path input = fresh.resolve("prompts.txt");
    Files.writeString(input, "a red house\n\n  a house \na red house\n", UTF_8);
    Path out = fresh.resolve("out");
    generate(input, config(2, null), out);
    List<JsonNode> rows = rows(out);
    assertThat(rows)
        .extracting(row -> row.get("prompt").asText() + " " + row.get("number"))
        .containsExactly(
            "a red house 0",
            "a red house 1",
            "a house 0",
            "a house 1",
            "a red house 0",
            "a red house 1");
    assertThat(rows.get(0).at("/settings/guidance").asDouble()).isEqualTo(3);
    assertThat(picture(out, 0)).isNotEqualTo(picture(out, 1)).isNotEqualTo(picture(out, 2));
    assertThat(picture(out, 4)).isEqualTo(picture(out, 0));
    assertThat(Files.readString(out.resolve("report.html"), UTF_8)).contains("a red house (1)");

    assertThatThrownBy(() -> job(null, config(1, null), out).run(session))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected prompts; try --input FILE");
    Path lines = fresh.resolve("lines.jsonl");
    Files.writeString(lines, "{\"seed\": 3}", UTF_8);
    assertThatThrownBy(() -> job(lines, config(1, null), out).run(session))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("a line without prompt");
    assertThat(out.resolve("result.json")).exists();
  }

  @Test
  void groupsHoldRequestsOfOneKindInTheirOrder() {
    List<Generation.Request> requests = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      requests.add(
          i == 1
              ? new Generation.Request(i, "", 0, null, "image.png", null)
              : new Generation.Request(i, "", i));
    }
    assertThat(Generation.groups(requests, 3))
        .extracting(group -> group.stream().map(Generation.Request::index).toList())
        .containsExactly(List.of(0, 2, 3), List.of(4), List.of(1));
  }
}
