package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.talespark.data.BadInputException;
import org.talespark.jobs.checkpoint.Checkpoint;
import org.talespark.jobs.train.LearnerFiles;
import org.talespark.jobs.train.RunDirectory;

/**
 * What {@code infer generate} will do, checked before any work is given out.
 *
 * @param requests one for each picture, in order
 * @param sampler in use, as in configuration
 * @param guidance in use, or null for a model without texts
 */
record GenerationPlan(
    List<Generation.Request> requests,
    Generation.Settings settings,
    JsonNode sampler,
    Double guidance) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Set<String> DENOISERS = Set.of("unet", "dit");

  GenerationPlan {
    requests = List.copyOf(requests);
  }

  /**
   * Reads checkpoint and prompts, and refuses what does not go together.
   *
   * @param prompts or null for none
   */
  static GenerationPlan of(
      String checkpoint, Prompts prompts, GenerateConfig config, Configuration hadoop)
      throws IOException {
    Checkpoint opened = RunDirectory.checkpoint(checkpoint, hadoop);
    JsonNode model = model(checkpoint, opened);
    boolean texts = model.at("/model/context_dimension").asInt() > 0;
    check(checkpoint, model, texts, prompts, config);
    List<Prompt> read =
        prompts == null ? List.of(new Prompt("", null, null, null)) : prompts.read(hadoop);
    if (config.strength() != null && read.stream().allMatch(prompt -> prompt.image() == null)) {
      throw new IllegalArgumentException(
          "Cannot generate: generate.strength=%s, expected a line of --input to have an image"
              .formatted(config.strength()));
    }
    Generation.Settings settings =
        new Generation.Settings(
            opened.path().toString(),
            config.sampler(),
            config.guidance(),
            config.seed(),
            config.strength(),
            config.batch());
    return new GenerationPlan(
        requests(read, texts, checkpoint, config.number()),
        settings,
        config.sampler() == null ? model.get("sampler") : JSON.valueToTree(config.sampler()),
        texts ? guidance(config, model) : null);
  }

  private static Double guidance(GenerateConfig config, JsonNode model) {
    return config.guidance() == null ? model.path("guidance").asDouble() : config.guidance();
  }

  private static JsonNode model(String uri, Checkpoint checkpoint) throws IOException {
    JsonNode config;
    try (InputStream in = checkpoint.open(LearnerFiles.CONFIG)) {
      config = JSON.readTree(new String(in.readAllBytes(), UTF_8));
    }
    String type = config.at("/model/type").asText("unknown");
    if (!DENOISERS.contains(type)) {
      throw new BadInputException(
          "Cannot generate: checkpoint=%s model.type=%s, expected a diffusion model (unet or dit)"
              .formatted(uri, type));
    }
    return config;
  }

  private static void check(
      String checkpoint, JsonNode model, boolean texts, Prompts prompts, GenerateConfig config) {
    int most = model.at("/noise/steps").asInt();
    if (config.sampler() != null && config.sampler().steps() > most) {
      throw new IllegalArgumentException(
          "Cannot generate: generate.sampler.steps=%d, expected at most the model's %d timesteps"
              .formatted(config.sampler().steps(), most));
    }
    if (texts && prompts == null) {
      throw new IllegalArgumentException(
          "Cannot generate: checkpoint=%s draws what a prompt says, expected prompts; try --input FILE with one a line"
              .formatted(checkpoint));
    }
    if (!texts && config.guidance() != null) {
      throw new IllegalArgumentException(
          "Cannot generate: generate.guidance=%s, expected none, since checkpoint=%s has no texts"
              .formatted(config.guidance(), checkpoint));
    }
  }

  private static List<Generation.Request> requests(
      List<Prompt> prompts, boolean texts, String checkpoint, int number) {
    List<Generation.Request> requests = new ArrayList<>();
    for (Prompt prompt : prompts) {
      String text = prompt.text();
      if (!texts && text != null && !text.isEmpty()) {
        throw new IllegalArgumentException(
            "Cannot generate: checkpoint=%s has no texts, but prompt=%s; try --number N without --input"
                .formatted(checkpoint, text));
      }
      if (texts && text == null) {
        throw new BadInputException(
            "Cannot generate: a line without prompt, expected one, since checkpoint=%s draws what a prompt says (it may be empty)"
                .formatted(checkpoint));
      }
      for (int i = 0; i < number; i++) {
        requests.add(
            new Generation.Request(
                requests.size(),
                text == null ? "" : text,
                i,
                prompt.seed(),
                prompt.image(),
                prompt.mask()));
      }
    }
    return requests;
  }
}
