package org.talespark.zoo.contrastive;

import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Activation;
import org.talespark.zoo.nn.EncoderLayers;
import org.talespark.zoo.nn.Layers;

/**
 * The vision transformer of CLIP (Radford 2021, arXiv:2103.00020; Dosovitskiy 2020,
 * arXiv:2010.11929), as Hugging Face's {@code CLIPVisionModel}: the same equations, and tensors of
 * the same names and shapes.
 *
 * <p>B batch, C num_channels, S image_size, p patch_size, g = S/p rounded down, T = g*g + 1, D
 * hidden_size.
 *
 * <pre>
 *   pixels [B, C, S, S] -> patch_embedding: convolution p x p, stride p, no bias -> [B, g*g, D]
 *   class_embedding in front, + position_embedding -> x [B*T, D]
 *   x -> pre_layrnorm -> encoder.layers ({@link EncoderLayers}) -> states [B*T, D]
 *   the class token's state -> post_layernorm -> [B, D]
 * </pre>
 *
 * <p>{@code pre_layrnorm} is how the tensor is spelt. Initial weights are normal: class and
 * positions D^-0.5 as in CLIP's own code, patches (C p p)^-0.5.
 */
public final class VisionEncoder {
  private static final String ROOT = "vision_model.";

  /**
   * Its size, under the names of Hugging Face's {@code config.json}.
   *
   * @param hiddenAct left out, {@code quick_gelu}
   */
  public record Config(
      int hiddenSize,
      int intermediateSize,
      int numHiddenLayers,
      int numAttentionHeads,
      int numChannels,
      int imageSize,
      int patchSize,
      double layerNormEps,
      Activation hiddenAct) {
    public Config {
      hiddenAct = hiddenAct == null ? Activation.QUICK_GELU : hiddenAct;
      check(numChannels >= 1, "num_channels", numChannels, "at least 1");
      check(
          patchSize >= 1 && patchSize <= imageSize,
          "patch_size",
          patchSize,
          "1 to image_size=" + imageSize);
      new EncoderLayers.Config(
          hiddenSize,
          intermediateSize,
          numHiddenLayers,
          numAttentionHeads,
          layerNormEps,
          hiddenAct); // checks the rest
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure vision encoder: %s=%s, expected %s".formatted(key, value, rule));
      }
    }

    private EncoderLayers.Config layers() {
      return new EncoderLayers.Config(
          hiddenSize,
          intermediateSize,
          numHiddenLayers,
          numAttentionHeads,
          layerNormEps,
          hiddenAct);
    }

    /** T, the class token included. */
    public int tokens() {
      int grid = imageSize / patchSize;
      return grid * grid + 1;
    }

    /** Numbers that are trained. */
    public long parameters() {
      long width = hiddenSize;
      long patches = width * numChannels * patchSize * patchSize;
      return patches + (1 + tokens()) * width + layers().parameters() + 2 * 2 * width;
    }
  }

  private VisionEncoder() {}

  /**
   * The states behind the last layer.
   *
   * @param pixels [B, C, S, S]
   * @return [B*T, D]
   */
  public static SDVariable states(Config config, Layers layers, SDVariable pixels, int batch) {
    Ops ops = layers.ops();
    int width = config.hiddenSize();
    int patch = config.patchSize();
    int tokens = config.tokens();
    double fanIn = (double) config.numChannels() * patch * patch;
    double deviation = 1 / Math.sqrt(width);
    SDVariable classes = layers.normal(ROOT + "embeddings.class_embedding", deviation, width);
    SDVariable kernel =
        layers.normal(
            ROOT + "embeddings.patch_embedding.weight",
            1 / Math.sqrt(fanIn),
            width,
            config.numChannels(),
            patch,
            patch);
    SDVariable places =
        layers.normal(ROOT + "embeddings.position_embedding.weight", deviation, tokens, width);
    SDVariable patches = ops.conv2d(pixels, kernel, null, patch, 0); // [B, D, g, g]
    SDVariable rows = ops.permute(ops.reshape(patches, batch, width, tokens - 1), 0, 2, 1);
    SDVariable first =
        ops.embedding(ops.reshape(classes, 1, width), numbers(ops, new int[batch]), 1); // [B, D]
    SDVariable x = ops.concat(1, ops.reshape(first, batch, 1, width), rows); // [B, T, D]
    int[] positions = IntStream.range(0, batch * tokens).map(i -> i % tokens).toArray();
    x =
        ops.reshape(x, (long) batch * tokens, width)
            .add(ops.embedding(places, numbers(ops, positions), tokens));
    x = layers.layerNorm(ROOT + "pre_layrnorm", x, width, config.layerNormEps());
    return EncoderLayers.build(config.layers(), layers, ROOT, x, batch, tokens, false);
  }

  /** The class token of {@link #states}, normalised: [B*T, D] -> [B, D]. */
  public static SDVariable pooled(Config config, Layers layers, SDVariable states, int batch) {
    Ops ops = layers.ops();
    int tokens = config.tokens();
    int[] firsts = IntStream.range(0, batch).map(b -> b * tokens).toArray();
    SDVariable first = ops.embedding(states, numbers(ops, firsts), (long) batch * tokens);
    return layers.layerNorm(
        ROOT + "post_layernorm", first, config.hiddenSize(), config.layerNormEps());
  }

  private static SDVariable numbers(Ops ops, int[] values) {
    return ops.graph().constant(Nd4j.createFromArray(values));
  }
}
