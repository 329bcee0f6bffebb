package org.talespark.data.dedup;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.talespark.data.image.ImageDecoder;
import org.talespark.data.image.Pixels;
import org.talespark.data.scenes.SceneCorpus;

/** Pictures of the scene corpus with what they show. */
final class Scenes {

  /** A picture; {@code shows} is equal for drawings of the same things in the same setting. */
  record Scene(String id, Pixels pixels, String shows) {}

  private Scenes() {}

  static List<Scene> draw(Path folder, int pages, int size, long seed) throws IOException {
    new SceneCorpus(new SceneCorpus.Config(pages, size, seed, folder)).run();
    List<Scene> scenes = new ArrayList<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".png")).sorted().toList()) {
        Pixels pixels =
            new ImageDecoder(ImageDecoder.Limits.defaults())
                .square(Files.readAllBytes(file), size)
                .pixels();
        String json = Files.readString(Path.of(file.toString().replace(".png", ".json")));
        scenes.add(new Scene(file.getFileName().toString(), pixels, shows(json)));
      }
    }
    return scenes;
  }

  /** The setting and the things without their exact places. */
  private static String shows(String json) throws IOException {
    JsonNode scene = new ObjectMapper().readTree(json);
    for (JsonNode thing : scene.get("things")) {
      ((ObjectNode) thing).remove("box");
    }
    return scene.get("setting") + " " + scene.get("things");
  }
}
