package org.talespark.jobs.train;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.Map;

/**
 * Where a run stands, besides its arrays. Random numbers are drawn from seed, step and position, so
 * these are the state of all generators.
 *
 * @param step steps made
 * @param samples position in the sequence of samples: samples seen
 * @param seconds of training
 * @param counters the learner's
 * @param versions of what wrote it
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record TrainerState(
    @JsonProperty(required = true) long step,
    @JsonProperty(required = true) long samples,
    @JsonProperty(required = true) double seconds,
    @JsonProperty(required = true) long seed,
    @JsonProperty(required = true) int workers,
    @JsonProperty(required = true) Map<String, Long> counters,
    Map<String, String> versions) {

  static TrainerState of(
      Position at, TrainConfig config, Map<String, Long> counters, Map<String, String> versions) {
    return new TrainerState(
        at.step(),
        at.samples(),
        at.seconds(),
        config.train().seed(),
        config.train().workers(),
        counters,
        versions);
  }

  @JsonIgnore
  Position position() {
    return new Position(step, samples, seconds);
  }
}
