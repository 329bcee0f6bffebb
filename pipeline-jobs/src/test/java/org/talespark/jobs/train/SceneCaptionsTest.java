package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.scenes.SceneCorpus;
import org.talespark.jobs.config.ConfigTree;
import org.talespark.zoo.attributes.AttributeLearnerConfig;
import org.talespark.zoo.attributes.Attributes;
import org.talespark.zoo.attributes.CaptionGrammar;

/** The grammar of the recipe against the true scene graphs of the corpus. */
class SceneCaptionsTest {
  private static final int PAGES = 600;

  private static CaptionGrammar grammar() {
    TrainConfig recipe =
        ConfigTree.builder()
            .recipe("attributes-scenes", TrainCommand.RECIPES)
            .build()
            .bind(TrainConfig.class);
    return ((AttributeLearnerConfig) recipe.task()).grammar();
  }

  @Test
  void theCaptionOfEveryPageNamesItsSettingAndItsThings(@TempDir Path folder) throws Exception {
    new SceneCorpus(new SceneCorpus.Config(PAGES, 32, 5, folder)).run();
    List<Path> graphs;
    try (Stream<Path> files = Files.walk(folder)) {
      graphs = files.filter(f -> f.getFileName().toString().matches("scene-\\d+\\.json")).toList();
    }
    assertThat(graphs).hasSize(PAGES);
    CaptionGrammar grammar = grammar();
    TreeSet<String> kinds = new TreeSet<>();
    TreeSet<String> settings = new TreeSet<>();
    TreeSet<String> colours = new TreeSet<>();
    for (Path file : graphs) {
      JsonNode graph = new ObjectMapper().readTree(Files.readString(file));
      Map<String, Integer> things = new LinkedHashMap<>();
      for (JsonNode thing : graph.get("things")) {
        String kind = thing.get("kind").asText();
        String colour = thing.get("colour").asText();
        things.merge(colour + " " + kind, 1, Integer::sum);
        kinds.add(kind);
        colours.add(colour);
      }
      settings.add(graph.get("setting").asText());
      String caption = graph.get("caption").asText();
      Attributes parsed = grammar.parse(caption);
      Map<String, Integer> found = new LinkedHashMap<>();
      parsed.things().forEach(t -> found.put(t.colour() + " " + t.kind(), t.count()));
      assertThat(parsed.setting()).as(caption).isEqualTo(graph.get("setting").asText());
      assertThat(found).as(caption).isEqualTo(things);
    }
    // nothing that the corpus draws is missing, and nothing else is in the grammar
    assertThat(grammar.kinds()).containsExactlyElementsOf(kinds);
    assertThat(grammar.settingNames()).containsExactlyElementsOf(settings);
    assertThat(new TreeSet<>(grammar.colours())).isEqualTo(colours);
  }
}
