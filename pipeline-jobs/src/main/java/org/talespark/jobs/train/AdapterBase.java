package org.talespark.jobs.train;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.talespark.data.BadInputException;
import org.talespark.zoo.lora.PeftAdapter;
import org.talespark.zoo.train.FrozenBase;
import org.talespark.zoo.train.LearnerConfig;

/** The model that adapters are added to: where it is, and whether it is still the same. */
final class AdapterBase {
  private AdapterBase() {}

  /**
   * Completes a task that keeps a base.
   *
   * @param uri of {@code --base}, or null where the configuration must name it
   * @throws IllegalArgumentException when there is none
   * @throws BadInputException when it is no longer the one that the configuration names
   */
  static LearnerConfig given(LearnerConfig task, String uri, Configuration hadoop)
      throws IOException {
    if (!task.keepsBase()) {
      return task;
    }
    if (uri == null) {
      FrozenBase known =
          task.base()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "Cannot train: task.lora needs a base, the model that its adapters are added to; add --base RUN"));
      check(UsedCheckpoint.find(known.checkpoint(), hadoop), known.sha256(), "task.lora.base");
      return task;
    }
    UsedCheckpoint base = UsedCheckpoint.find(uri, hadoop);
    return task.onBase(new FrozenBase(base.uri(), base.sha256()), base.described().config());
  }

  /**
   * Finds the base of adapters that are used.
   *
   * @param file their {@code adapter_config.json}
   * @param config their {@code config.json}, which has the hash of the base where we wrote it
   * @param uri of their directory, at which relative paths begin
   * @throws BadInputException when it is not there, or has become another
   */
  static UsedCheckpoint find(byte[] file, JsonNode config, String uri, Configuration hadoop)
      throws IOException {
    String named =
        PeftAdapter.base(file)
            .orElseThrow(
                () ->
                    new BadInputException(
                        "Cannot use adapters: checkpoint=%s, whose %s names no base_model_name_or_path"
                            .formatted(uri, PeftAdapter.CONFIG)));
    UsedCheckpoint base;
    try {
      base = UsedCheckpoint.find(new Path(uri, named).toString(), hadoop);
    } catch (BadInputException e) {
      throw new BadInputException(
          "Cannot use adapters: checkpoint=%s, whose base is not usable: %s"
              .formatted(uri, e.getMessage()),
          e);
    }
    String sha256 = config.path(PeftAdapter.BASE).path("sha256").asText();
    if (!sha256.isEmpty()) {
      check(base, sha256, "checkpoint=" + uri);
    }
    return base;
  }

  private static void check(UsedCheckpoint base, String sha256, String where) throws IOException {
    String found = base.sha256();
    if (!found.equals(sha256)) {
      throw new BadInputException(
          "Cannot use adapters: %s belongs to base=%s with weights of sha256=%s, which now has %s; put the former weights back, or train again on these"
              .formatted(where, base.uri(), sha256, found));
    }
  }
}
