package org.talespark.data.scenes;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.talespark.data.scenes.Questions.Question;

/** One page to its three files: the picture, the caption and the true scene graph. */
final class SceneWriter {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** Where a page belongs to a story; {@code page} counts from 1. */
  record StoryPage(Story story, int page) {}

  private SceneWriter() {}

  static void write(Path folder, String key, Scene scene, int size, Dice dice, StoryPage story)
      throws IOException {
    String caption = Captions.of(scene, dice);
    ObjectNode graph = graph(key, scene, caption, Questions.about(scene, dice), story);
    Files.write(folder.resolve(key + ".png"), png(scene, size));
    Files.writeString(folder.resolve(key + ".txt"), caption + "\n", StandardCharsets.UTF_8);
    Files.writeString(
        folder.resolve(key + ".json"),
        JSON.writeValueAsString(graph) + "\n",
        StandardCharsets.UTF_8);
  }

  static byte[] png(Scene scene, int size) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(size * size);
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.write(new IIOImage(ScenePainter.paint(scene, size), null, null));
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  static ObjectNode graph(
      String key, Scene scene, String caption, List<Question> questions, StoryPage story) {
    ObjectNode root = NODES.objectNode();
    root.put("key", key);
    root.put("caption", caption);
    root.put("setting", scene.setting().word());
    ArrayNode things = root.putArray("things");
    for (int i = 0; i < scene.things().size(); i++) {
      Thing thing = scene.things().get(i);
      ObjectNode node = things.addObject();
      node.put("id", i);
      node.put("kind", thing.kind().word());
      node.put("colour", thing.hue().word());
      node.put("size", thing.size().word());
      node.put("position", thing.position());
      node.set("box", box(thing.box()));
      if (story != null && i < heroes(story).size()) {
        node.put("name", heroes(story).get(i).name());
      }
    }
    ArrayNode relations = root.putArray("relations");
    for (int a = 0; a < scene.things().size(); a++) {
      for (int b = 0; b < scene.things().size(); b++) {
        if (a != b) {
          relate(relations, scene, a, b);
        }
      }
    }
    ArrayNode list = root.putArray("questions");
    for (Question q : questions) {
      list.addObject()
          .put("type", q.type())
          .put("question", q.question())
          .put("answer", q.answer());
    }
    if (story != null) {
      ObjectNode node = root.putObject("story");
      node.put("key", story.story().key());
      node.put("page", story.page());
      node.put("text", story.story().pages().get(story.page() - 1).text());
    }
    return root;
  }

  private static List<Story.Hero> heroes(StoryPage story) {
    return story.story().pages().get(story.page() - 1).present();
  }

  private static void relate(ArrayNode relations, Scene scene, int a, int b) {
    Relation.between(scene.things().get(a), scene.things().get(b))
        .ifPresent(
            r ->
                relations
                    .addObject()
                    .put("subject", a)
                    .put("relation", r.words())
                    .put("object", b));
  }

  /** Left, top, width, height in shares of the side, four decimals. */
  private static ArrayNode box(Box box) {
    ArrayNode node = NODES.arrayNode();
    for (double v : new double[] {box.left(), box.top(), box.width(), box.height()}) {
      node.add(Math.round(v * 10_000) / 10_000.0);
    }
    return node;
  }

  static String line(Story story, List<String> pictures) throws IOException {
    ObjectNode root = NODES.objectNode();
    root.put("key", story.key());
    root.put("title", story.title());
    ArrayNode characters = root.putArray("characters");
    for (Story.Hero hero : story.heroes()) {
      characters
          .addObject()
          .put("name", hero.name())
          .put("kind", hero.kind().word())
          .put("colour", hero.hue().word());
    }
    ArrayNode pages = root.putArray("pages");
    for (int i = 0; i < story.pages().size(); i++) {
      pages.addObject().put("picture", pictures.get(i)).put("text", story.pages().get(i).text());
    }
    return JSON.writeValueAsString(root);
  }
}
