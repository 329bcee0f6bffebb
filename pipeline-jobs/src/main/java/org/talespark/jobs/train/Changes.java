package org.talespark.jobs.train;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What differs between two configurations, of the keys that a run keeps from begin to end. */
final class Changes {
  /** What says how samples are loaded, but not which. */
  private static final Set<String> FREE =
      Set.of("data.prefetch", "data.decode_threads", "data.timeout_seconds", "data.cache");

  private final List<String> found = new ArrayList<>();

  private Changes() {}

  /** Each difference in {@code task}, {@code data} and {@code train.seed}, by its key. */
  static List<String> between(TrainConfig before, TrainConfig now) {
    Changes changes = new Changes();
    JsonNode old = LearnerFiles.JSON.valueToTree(before);
    JsonNode wanted = LearnerFiles.JSON.valueToTree(now);
    for (String key : List.of("task", "data")) {
      changes.compare(key, old.path(key), wanted.path(key));
    }
    changes.compare("train.seed", old.at("/train/seed"), wanted.at("/train/seed"));
    return changes.found;
  }

  private void compare(String path, JsonNode before, JsonNode now) {
    if (FREE.contains(path)) {
      return;
    }
    if (before.isObject() && now.isObject()) {
      Set<String> keys = new LinkedHashSet<>();
      before.fieldNames().forEachRemaining(keys::add);
      now.fieldNames().forEachRemaining(keys::add);
      keys.forEach(key -> compare(path + "." + key, before.path(key), now.path(key)));
    } else if (!before.equals(now)) {
      found.add("%s=%s instead of %s".formatted(path, text(now), text(before)));
    }
  }

  private static String text(JsonNode value) {
    return value.isMissingNode() ? "null" : value.toString();
  }
}
