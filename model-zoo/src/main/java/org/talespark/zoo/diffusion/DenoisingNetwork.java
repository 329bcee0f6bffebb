package org.talespark.zoo.diffusion;

import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.nn.Layers;

/** What a diffusion learner asks of a network: from noisy samples and their times, a prediction. */
public interface DenoisingNetwork {
  /** Channels of a sample and of the prediction, C. */
  int channels();

  /** Features of a timestep, F, as {@link TimestepFeatures} makes them. */
  int timeFeatures();

  /**
   * Builds the network.
   *
   * @param sample [batch, C, side, side]
   * @param timeFeatures [batch, F]
   * @return the prediction, [batch, C, side, side]
   */
  SDVariable build(Layers layers, SDVariable sample, SDVariable timeFeatures, int batch, int side);
}
