package org.talespark.jobs.latents;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.DatasetManifest;
import org.talespark.zoo.train.LatentSpace;

/**
 * {@code latents.json}: what latents were made of.
 *
 * @param firstStage the checkpoint that made them
 * @param datasetSha256 of the manifest of the dataset that they were made of
 * @param space with the hash of the first stage's weights
 * @param shards the tar files, one for each of the dataset's, in order
 */
record LatentManifest(
    @JsonProperty(required = true) int schemaVersion,
    @JsonProperty(required = true) String firstStage,
    @JsonProperty(required = true) String dataset,
    @JsonProperty(required = true) String datasetSha256,
    @JsonProperty(required = true) LatentSpace space,
    @JsonProperty(required = true) List<DatasetManifest.ShardEntry> shards) {
  static final String FILE = "latents.json";
  static final int SCHEMA_VERSION = 1;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  LatentManifest {
    shards = List.copyOf(shards);
  }

  byte[] toJson() throws JsonProcessingException {
    return JSON.writeValueAsBytes(this);
  }

  static LatentManifest fromJson(String json, String uri) {
    try {
      LatentManifest manifest = JSON.readValue(json, LatentManifest.class);
      if (manifest.schemaVersion() != SCHEMA_VERSION) {
        throw new BadInputException(
            "Cannot use latents: latents=%s schema_version=%d, expected %d; try another task.first_stage.latents"
                .formatted(uri, manifest.schemaVersion(), SCHEMA_VERSION));
      }
      return manifest;
    } catch (JsonProcessingException e) {
      throw new BadInputException(
          "Cannot use latents: latents=%s has a damaged %s (%s); delete the directory and run again"
              .formatted(uri, FILE, e.getOriginalMessage()),
          e);
    }
  }
}
