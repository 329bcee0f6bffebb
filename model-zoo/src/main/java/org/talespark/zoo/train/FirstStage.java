package org.talespark.zoo.train;

import java.util.function.UnaryOperator;

/**
 * A trained model that turns pictures into latents and back.
 *
 * @param checkpoint its URI
 * @param latents where the latents of a dataset are kept, a URI; null for the run's own directory
 * @param space of these latents; null until they are computed
 */
public record FirstStage(String checkpoint, String latents, LatentSpace space) {
  public FirstStage {
    if (checkpoint == null) {
      throw new IllegalArgumentException(
          "Cannot configure first stage: checkpoint is missing, expected the run of a VQ model; try --recipe vqgan-latents first, then task.first_stage.checkpoint=RUN");
    }
  }

  /** The same with whole URIs. */
  public FirstStage located(UnaryOperator<String> absolute) {
    return new FirstStage(
        absolute.apply(checkpoint), latents == null ? null : absolute.apply(latents), space);
  }

  /** The same with the space of its latents. */
  public FirstStage encoded(LatentSpace computed) {
    return new FirstStage(checkpoint, latents, computed);
  }
}
