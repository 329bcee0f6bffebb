package org.talespark.data.scenes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SceneCorpusTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PAGES = 480;
  private static final int SIZE = 64;

  @TempDir static Path corpus;
  private static final List<JsonNode> GRAPHS = new ArrayList<>();
  private static final Map<String, JsonNode> BY_KEY = new HashMap<>();
  private static SceneCorpus.Result result;

  @BeforeAll
  static void draw() throws IOException {
    result = new SceneCorpus(new SceneCorpus.Config(PAGES, SIZE, 11, corpus)).run();
    try (Stream<Path> files = Files.walk(corpus)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
        if (!file.getFileName().toString().equals("corpus.json")) {
          JsonNode graph = JSON.readTree(file.toFile());
          GRAPHS.add(graph);
          BY_KEY.put(graph.get("key").textValue(), graph);
        }
      }
    }
  }

  private static Map<String, String> contents(Path folder) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(
            folder.relativize(file).toString(),
            java.util.HexFormat.of().formatHex(Files.readAllBytes(file)));
      }
    }
    return contents;
  }

  private static Path file(JsonNode graph, String extension) {
    String key = graph.get("key").textValue();
    int page = Integer.parseInt(key.substring("scene-".length()));
    return corpus.resolve("%03d/%s.%s".formatted(page / 200, key, extension));
  }

  @Test
  void sameSeedAndSettingsGiveTheSameBytesInAnyLocale(@TempDir Path folder) throws IOException {
    Locale before = Locale.getDefault();
    Path a = folder.resolve("a");
    Path b = folder.resolve("b");
    new SceneCorpus(new SceneCorpus.Config(40, 64, 5, a)).run();
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      new SceneCorpus(new SceneCorpus.Config(40, 64, 5, b)).run();
    } finally {
      Locale.setDefault(before);
    }
    assertThat(contents(b)).isEqualTo(contents(a)).hasSize(40 * 3 + 2);
    new SceneCorpus(new SceneCorpus.Config(40, 64, 6, b)).run();
    assertThat(contents(b)).isNotEqualTo(contents(a));
  }

  @Test
  void thePagesOfAShorterCorpusBeginALongerOne(@TempDir Path folder) throws IOException {
    new SceneCorpus(new SceneCorpus.Config(24, SIZE, 11, folder)).run();
    Path page = Path.of("000/scene-000023.png");
    assertThat(folder.resolve(page.toString()))
        .hasSameBinaryContentAs(corpus.resolve(page.toString()));
  }

  @Test
  void everyPageHasPictureCaptionAndGraph() throws IOException {
    assertThat(result.pages()).isEqualTo(PAGES);
    assertThat(GRAPHS).hasSize(PAGES);
    for (JsonNode graph : GRAPHS) {
      BufferedImage picture = ImageIO.read(file(graph, "png").toFile());
      assertThat(picture.getWidth()).isEqualTo(SIZE);
      assertThat(picture.getHeight()).isEqualTo(SIZE);
      assertThat(Files.readString(file(graph, "txt")).strip())
          .isEqualTo(graph.get("caption").textValue());
    }
  }

  @Test
  void theCorpusIsRichInKindsColoursSettingsSizesAndCaptions() {
    Set<String> kinds = new HashSet<>();
    Set<String> colours = new HashSet<>();
    Set<String> settings = new HashSet<>();
    Set<String> sizes = new HashSet<>();
    Set<String> captions = new HashSet<>();
    Set<Integer> counts = new HashSet<>();
    for (JsonNode graph : GRAPHS) {
      settings.add(graph.get("setting").textValue());
      captions.add(graph.get("caption").textValue());
      counts.add(graph.get("things").size());
      for (JsonNode thing : graph.get("things")) {
        kinds.add(thing.get("kind").textValue());
        colours.add(thing.get("colour").textValue());
        sizes.add(thing.get("size").textValue());
      }
    }
    assertThat(kinds).hasSize(Kind.values().length).hasSizeGreaterThanOrEqualTo(12);
    assertThat(colours).hasSize(Hue.values().length).hasSizeGreaterThanOrEqualTo(10);
    assertThat(settings).hasSize(Setting.values().length).hasSizeGreaterThanOrEqualTo(6);
    assertThat(sizes).containsExactlyInAnyOrder("small", "medium", "large");
    assertThat(counts).containsExactlyInAnyOrder(1, 2, 3);
    assertThat(captions).hasSizeGreaterThan(PAGES * 9 / 10);
  }

  @Test
  void everyThingIsAFifthOfThePictureAcrossInsideItAndClearOfTheOthers() {
    for (JsonNode graph : GRAPHS) {
      List<Box> boxes = new ArrayList<>();
      for (JsonNode thing : graph.get("things")) {
        JsonNode b = thing.get("box");
        Box box =
            new Box(
                b.get(0).doubleValue(),
                b.get(1).doubleValue(),
                b.get(2).doubleValue(),
                b.get(3).doubleValue());
        assertThat(Math.min(box.width(), box.height()))
            .as(graph.toString())
            .isGreaterThanOrEqualTo(0.2);
        assertThat(Math.min(box.left(), box.top())).isGreaterThanOrEqualTo(0);
        assertThat(Math.max(box.right(), box.bottom())).isLessThanOrEqualTo(1);
        boxes.forEach(other -> assertThat(box.overlap(other)).isLessThan(0.05));
        boxes.add(box);
      }
    }
  }

  @Test
  void whatIsPaintedFillsItsBoxAndStaysInIt() {
    for (Kind kind : Kind.values()) {
      Setting setting = kind.settings().get(0);
      Hue hue = setting.shows(Hue.RED) ? Hue.RED : Hue.PINK;
      List<Thing> things =
          Layout.place(
              setting,
              List.of(new Layout.Wanted(kind, hue, Size.SMALL)),
              Dice.of(1, kind.name(), 0));
      Thing thing = things.get(0);
      BufferedImage with = ScenePainter.paint(new Scene(setting, 4, things), SIZE);
      // the same scenery with the thing moved out of the way: only its box may differ, and shadows
      BufferedImage without = new BufferedImage(SIZE, SIZE, BufferedImage.TYPE_INT_RGB);
      var g = without.createGraphics();
      g.setRenderingHint(
          java.awt.RenderingHints.KEY_ANTIALIASING, java.awt.RenderingHints.VALUE_ANTIALIAS_ON);
      g.scale(SIZE, SIZE);
      SettingPainter.paint(g, setting, 4);
      g.dispose();
      int left = SIZE;
      int right = 0;
      int top = SIZE;
      for (int y = 0; y < SIZE; y++) {
        for (int x = 0; x < SIZE; x++) {
          if (distance(with.getRGB(x, y), without.getRGB(x, y)) > 90) {
            left = Math.min(left, x);
            right = Math.max(right, x + 1);
            top = Math.min(top, y);
          }
        }
      }
      assertThat(right - left).as(kind.word()).isGreaterThanOrEqualTo(SIZE / 5);
      assertThat(left)
          .as(kind.word())
          .isGreaterThanOrEqualTo((int) (thing.box().left() * SIZE) - 1);
      assertThat(top).as(kind.word()).isGreaterThanOrEqualTo((int) (thing.box().top() * SIZE) - 1);
    }
  }

  private static int distance(int a, int b) {
    int sum = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
      sum += Math.abs((a >> shift & 0xFF) - (b >> shift & 0xFF));
    }
    return sum;
  }

  @Test
  void captionsNameEveryThingWithItsColourAndTheSetting() {
    for (JsonNode graph : GRAPHS) {
      String caption = graph.get("caption").textValue().toLowerCase(Locale.ROOT);
      for (JsonNode thing : graph.get("things")) {
        Kind kind = Kind.valueOf(thing.get("kind").textValue().toUpperCase(Locale.ROOT));
        String colour = thing.get("colour").textValue();
        assertThat(caption).containsAnyOf(colour + " " + kind.word(), colour + " " + kind.plural());
      }
      Setting setting = Setting.valueOf(graph.get("setting").textValue().toUpperCase(Locale.ROOT));
      assertThat(setting.phrases()).anyMatch(caption::contains);
      assertThat(caption).doesNotContain("  ").doesNotContain(" a orange");
    }
  }

  @Test
  void answersFollowFromTheGraph() {
    Set<String> types = new HashSet<>();
    for (JsonNode graph : GRAPHS) {
      for (JsonNode q : graph.get("questions")) {
        String type = q.get("type").textValue();
        String question = q.get("question").textValue();
        String answer = q.get("answer").textValue();
        types.add(type);
        switch (type) {
          case "exists" -> {
            boolean there = false;
            for (JsonNode thing : graph.get("things")) {
              there |= question.contains(" " + thing.get("kind").textValue() + " ");
            }
            assertThat(answer).as(question).isEqualTo(there ? "yes" : "no");
          }
          case "colour" -> {
            List<String> colours = new ArrayList<>();
            for (JsonNode thing : graph.get("things")) {
              Kind kind = Kind.valueOf(thing.get("kind").textValue().toUpperCase(Locale.ROOT));
              if (question.endsWith("the " + kind.word() + "?")
                  || question.endsWith("the " + kind.plural() + "?")) {
                colours.add(thing.get("colour").textValue());
              }
            }
            assertThat(colours).isNotEmpty().containsOnly(answer);
          }
          case "place" -> assertThat(answer).isNotEmpty();
          default -> assertThat(answer).isNotBlank();
        }
      }
    }
    assertThat(types)
        .containsExactlyInAnyOrder(
            "colour", "count", "position", "size", "place", "relation", "exists");
  }

  @Test
  void relationsAgreeWithTheBoxes() {
    for (JsonNode graph : GRAPHS) {
      for (JsonNode relation : graph.get("relations")) {
        JsonNode a = graph.get("things").get(relation.get("subject").intValue()).get("box");
        JsonNode b = graph.get("things").get(relation.get("object").intValue()).get("box");
        double dx = centre(b, 0) - centre(a, 0);
        double dy = centre(b, 1) - centre(a, 1);
        boolean holds =
            switch (relation.get("relation").textValue()) {
              case "to the left of" -> dx > 0.1;
              case "to the right of" -> dx < -0.1;
              case "above" -> dy > 0.1;
              case "below" -> dy < -0.1;
              default -> false;
            };
        assertThat(holds).as(graph.toString()).isTrue();
      }
    }
  }

  private static double centre(JsonNode box, int axis) {
    return box.get(axis).doubleValue() + box.get(axis + 2).doubleValue() / 2;
  }

  @Test
  void storiesKeepTheLooksOfTheirCharacters() throws IOException {
    List<String> lines = Files.readAllLines(corpus.resolve("stories.jsonl"));
    assertThat(lines).hasSize(PAGES / 12).hasSize((int) result.stories());
    Set<String> titles = new HashSet<>();
    for (String line : lines) {
      JsonNode story = JSON.readTree(line);
      titles.add(story.get("title").textValue());
      assertThat(story.get("pages").size()).isBetween(4, 6);
      assertThat(line).doesNotContain("{A}").doesNotContain("{p}").doesNotContain("{hue}");
      Map<String, JsonNode> looks = new HashMap<>();
      story.get("characters").forEach(c -> looks.put(c.get("name").textValue(), c));
      assertThat(looks).hasSize(2);
      Set<String> seen = new HashSet<>();
      for (JsonNode page : story.get("pages")) {
        String picture = page.get("picture").textValue();
        assertThat(corpus.resolve(picture)).exists();
        JsonNode graph = BY_KEY.get(picture.replaceAll(".*/|\\.png", ""));
        assertThat(graph.get("story").get("key")).isEqualTo(story.get("key"));
        assertThat(graph.get("story").get("text")).isEqualTo(page.get("text"));
        for (JsonNode thing : graph.get("things")) {
          if (thing.has("name")) {
            JsonNode look = looks.get(thing.get("name").textValue());
            assertThat(thing.get("kind")).isEqualTo(look.get("kind"));
            assertThat(thing.get("colour")).isEqualTo(look.get("colour"));
            seen.add(thing.get("name").textValue());
          }
        }
      }
      assertThat(seen).isEqualTo(looks.keySet());
    }
    assertThat(titles).hasSizeGreaterThan(lines.size() / 2);
  }

  @Test
  void aFolderWithOtherThingsInItIsLeftAlone(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("holiday.png"), "mine");
    assertThatThrownBy(() -> new SceneCorpus(new SceneCorpus.Config(1, 64, 1, folder)).run())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("holiday.png");
    assertThat(folder.resolve("holiday.png")).hasContent("mine");
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new SceneCorpus.Config(0, 64, 1, corpus))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pages=0");
    assertThatThrownBy(() -> new SceneCorpus.Config(1, 8, 1, corpus))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("size=8");
  }
}
