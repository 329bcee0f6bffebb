package org.talespark.zoo.diffusion;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.nd4j.autodiff.samediff.SDVariable;
import org.talespark.zoo.nn.Layers;

/**
 * A network that predicts, from a noisy sample, the time and maybe a text, what diffusion asks of
 * it.
 *
 * <p>B batch, C channels, S side of a sample, F time features, N tokens of a text, D width of a
 * token.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = UNet2DCondition.Config.class, name = "unet"),
  @JsonSubTypes.Type(value = Dit.Config.class, name = "dit")
})
public sealed interface DenoiserConfig permits UNet2DCondition.Config, Dit.Config {

  /**
   * A text for each sample.
   *
   * @param rows its tokens, [B*N, D]
   * @param mask [B, N]: 1 for a token, 0 for padding, which changes nothing
   * @param pooled the whole text as one vector, [B, D], which is added to the time; or null
   * @param tokens N
   */
  record Context(SDVariable rows, SDVariable mask, SDVariable pooled, int tokens) {
    public Context {
      requireNonNull(rows, "rows");
      requireNonNull(mask, "mask");
      if (tokens < 1) {
        throw new IllegalArgumentException(
            "Cannot condition denoiser: tokens=%d, expected at least 1".formatted(tokens));
      }
    }

    /**
     * What the whole text adds to the time, diffusers' class embedding of type projection: linear,
     * SiLU, linear, [B, D] -> [B, out]. It begins as zero. As long as all of {@code pooled} is
     * zero, no gradient reaches any of it but the last bias, which depends on no text.
     */
    SDVariable embedded(Layers layers, int dimension, int out) {
      SDVariable h =
          layers.normalLinear(
              "class_embedding.linear_1", pooled, 1 / Math.sqrt(dimension), dimension, out);
      return layers.zeroLinear("class_embedding.linear_2", layers.ops().silu(h), out, out);
    }
  }

  /** C, of the sample and of what is predicted. */
  int channels();

  /**
   * F: half of them cosines of the time at falling frequencies, behind them as many sines, as
   * diffusers has them with {@code flip_sin_to_cos}.
   */
  int timeFeatures();

  /** D, or 0 for a network without text. */
  int contextDimension();

  /**
   * Builds the network.
   *
   * @param sample [B, C, S, S]
   * @param timeFeatures [B, F]
   * @param context a text for each sample; null if and only if {@link #contextDimension()} is 0
   * @return the prediction, [B, C, S, S]
   */
  SDVariable build(
      Layers layers,
      SDVariable sample,
      SDVariable timeFeatures,
      Context context,
      int batch,
      int side);

  /** Refuses a context where none is expected, and the other way round. */
  static void check(DenoiserConfig config, Context context) {
    if ((config.contextDimension() > 0) != (context != null)) {
      throw new IllegalArgumentException(
          "Cannot build denoiser: context_dimension=%d context=%s, expected a context if and only if the dimension is above 0"
              .formatted(config.contextDimension(), context));
    }
  }
}
