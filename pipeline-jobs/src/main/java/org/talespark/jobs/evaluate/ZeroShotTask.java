package org.talespark.jobs.evaluate;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.talespark.jobs.config.Section;
import org.talespark.zoo.contrastive.ZeroShot;

/**
 * Classes that a CLIP is to tell apart, and where the truth stands.
 *
 * @param label keys of the sample's JSON joined by dots, through lists in each of their elements:
 *     {@code setting}, {@code things.kind}
 * @param classes by their label, the phrases that stand for each in the templates; left out, the
 *     labels that the split has, each its own phrase
 * @param templates prompts with {@code {}} where the phrase goes
 */
record ZeroShotTask(String label, Map<String, List<String>> classes, List<String> templates)
    implements Serializable {
  private static final Section SECTION = new Section("evaluate", "evaluate.zero_shot.*");

  ZeroShotTask {
    SECTION.check(
        label != null && label.matches("[^.\\s]+(\\.[^.\\s]+)*"),
        "label",
        label,
        "keys of a sample's JSON joined by dots");
    SECTION.check(
        templates != null
            && !templates.isEmpty()
            && templates.stream().allMatch(text -> text.contains(ZeroShot.PLACE)),
        "templates",
        templates,
        "at least one text with {}");
    templates = List.copyOf(templates);
    if (classes != null) {
      TreeMap<String, List<String>> sorted = new TreeMap<>();
      classes.forEach(
          (name, phrases) -> {
            SECTION.check(
                phrases != null && !phrases.isEmpty(), "classes." + name, phrases, "phrases");
            sorted.put(name, List.copyOf(phrases));
          });
      classes = Collections.unmodifiableSortedMap(sorted);
      SECTION.check(classes.size() >= 2, "classes", classes.keySet(), "at least two");
    }
  }

  /** The same with these labels for classes where it has none of its own. */
  ZeroShotTask with(Set<String> labels) {
    if (classes != null) {
      return this;
    }
    Map<String, List<String>> found = new TreeMap<>();
    labels.forEach(name -> found.put(name, List.of(name)));
    return new ZeroShotTask(label, found, templates);
  }

  /** The label of a sample; empty where its JSON has none, or several that differ. */
  Optional<String> labelOf(JsonNode metadata) {
    List<JsonNode> nodes = List.of(metadata);
    for (String key : label.split("\\.", -1)) {
      List<JsonNode> below = new ArrayList<>();
      for (JsonNode node : nodes) {
        addElements(node.path(key), below);
      }
      nodes = below;
    }
    Set<String> values = new LinkedHashSet<>();
    nodes.stream().filter(JsonNode::isValueNode).forEach(node -> values.add(node.asText()));
    return values.size() == 1 ? Optional.of(values.iterator().next()) : Optional.empty();
  }

  private static void addElements(JsonNode node, List<JsonNode> elements) {
    if (node.isArray()) {
      node.forEach(element -> addElements(element, elements));
    } else if (!node.isMissingNode() && !node.isNull()) {
      elements.add(node);
    }
  }
}
