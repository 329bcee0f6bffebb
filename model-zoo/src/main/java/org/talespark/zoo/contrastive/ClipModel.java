package org.talespark.zoo.contrastive;

import static java.util.Objects.requireNonNull;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.talespark.zoo.graph.Ops;
import org.talespark.zoo.nn.Layers;
import org.talespark.zoo.text.TextEncoder;

/**
 * CLIP (Radford 2021, arXiv:2103.00020), as Hugging Face's {@code CLIPModel}: the same equations,
 * and tensors of the same names and shapes.
 *
 * <p>B batch, C channels, S side of a picture, N tokens of a text, D hidden_size of a tower, P
 * projection_dim.
 *
 * <pre>
 *   pixel_values [B, C, S, S] -> vision_model -> the class token [B, D] -> visual_projection -> [B, P]
 *   input_ids [B*N] -> text_model -> the state at the end token [B, D] -> text_projection -> [B, P]
 *   image_embeds, text_embeds: each row divided by its length
 *   logits = exp(logit_scale) text_embeds image_embeds^T
 * </pre>
 *
 * <p>The projections are a {@link JointEmbedding}.
 */
public final class ClipModel {
  public static final String PIXEL_VALUES = "pixel_values";
  public static final String INPUT_IDS = "input_ids";
  public static final String ENDS = "ends";
  public static final String IMAGE_EMBEDS = "image_embeds";
  public static final String TEXT_EMBEDS = "text_embeds";
  public static final String LOGIT_SCALE = "logit_scale";

  /**
   * The end token that Hugging Face's first CLIP configurations name, wrongly: with it a text's end
   * is the token with the largest id.
   */
  private static final int HISTORICAL_END = 2;

  /**
   * Its size, under the names of Hugging Face's {@code config.json}.
   *
   * @param textConfig with an {@code eos_token_id}
   * @param projectionDim P
   * @param logitScaleInitValue the logarithm of the first scale; log(1 / 0.07) in the paper
   */
  public record Config(
      TextEncoder.Config textConfig,
      VisionEncoder.Config visionConfig,
      int projectionDim,
      double logitScaleInitValue) {
    public Config {
      requireNonNull(textConfig, "text_config");
      requireNonNull(visionConfig, "vision_config");
      check(
          textConfig.eosTokenId() != null,
          "text_config.eos_token_id",
          null,
          "the id of the token that ends a text");
      check(projectionDim >= 1, "projection_dim", projectionDim, "at least 1");
      check(
          Double.isFinite(logitScaleInitValue),
          "logit_scale_init_value",
          logitScaleInitValue,
          "a finite number");
    }

    private static void check(boolean holds, String key, Object value, String rule) {
      if (!holds) {
        throw new IllegalArgumentException(
            "Cannot configure CLIP: %s=%s, expected %s".formatted(key, value, rule));
      }
    }

    /** Numbers that are trained. */
    public long parameters() {
      long projections =
          ((long) textConfig.hiddenSize() + visionConfig.hiddenSize()) * projectionDim;
      return textConfig.parameters() + visionConfig.parameters() + projections + 1;
    }

    /**
     * Refuses a run whose pictures are not the model's.
     *
     * @param size pixels a side
     * @param key of this configuration in the task
     */
    public void checkPictures(int size, String key) {
      if (size != visionConfig.imageSize() || visionConfig.numChannels() != 3) {
        throw new IllegalArgumentException(
            "Cannot configure training: data.size=%d %s.vision_config.image_size=%d num_channels=%d, expected equal sizes and 3 channels"
                .formatted(size, key, visionConfig.imageSize(), visionConfig.numChannels()));
      }
    }

    /** Values of one picture. */
    public int pixels() {
      return visionConfig.numChannels() * visionConfig.imageSize() * visionConfig.imageSize();
    }
  }

  /**
   * The picture tower.
   *
   * @param pixels input [B, C, S, S]
   * @param embeds [B, P], each row of length 1
   */
  public record Pictures(SDVariable pixels, SDVariable embeds) {}

  /**
   * The text tower.
   *
   * @param ids input, int32 [B*N]
   * @param ends input, int32 [B]: the row of each text's end ({@link ClipModel#ends})
   * @param embeds [B, P], each row of length 1
   */
  public record Texts(SDVariable ids, SDVariable ends, SDVariable embeds) {}

  private ClipModel() {}

  /** Builds the picture tower, with its projection. */
  public static Pictures pictures(Config config, Layers layers, int batch) {
    VisionEncoder.Config vision = config.visionConfig();
    Ops ops = layers.ops();
    SDVariable pixels = ops.input(PIXEL_VALUES, pixelShape(config, batch));
    SDVariable states = VisionEncoder.states(vision, layers, pixels, batch);
    SDVariable pooled = VisionEncoder.pooled(vision, layers, states, batch);
    SDVariable embeds =
        JointEmbedding.pictures(layers, pooled, vision.hiddenSize(), config.projectionDim());
    return new Pictures(pixels, ops.name(IMAGE_EMBEDS, embeds));
  }

  /** Builds the text tower, with its projection, for texts of {@code length} tokens. */
  public static Texts texts(Config config, Layers layers, int batch, int length) {
    TextEncoder.Config text = config.textConfig();
    Ops ops = layers.ops();
    SDVariable ids = ops.indices(INPUT_IDS, (long) batch * length);
    SDVariable ends = ops.indices(ENDS, batch);
    SDVariable states = TextEncoder.build(text, layers, ids, batch, length);
    SDVariable pooled = ops.embedding(states, ends, (long) batch * length); // [B, D]
    SDVariable embeds =
        JointEmbedding.texts(layers, pooled, text.hiddenSize(), config.projectionDim());
    return new Texts(ids, ends, ops.name(TEXT_EMBEDS, embeds));
  }

  /** The logarithm of the scale of similarities, a scalar. */
  public static SDVariable logitScale(Config config, Layers layers) {
    return layers.parameter(
        LOGIT_SCALE, Nd4j.scalar(DataType.DOUBLE, config.logitScaleInitValue()));
  }

  /** [B, C, S, S]. */
  public static long[] pixelShape(Config config, int batch) {
    VisionEncoder.Config vision = config.visionConfig();
    return new long[] {batch, vision.numChannels(), vision.imageSize(), vision.imageSize()};
  }

  /**
   * The row of each text's end among [B*N], by Hugging Face's rule: the first token that is {@code
   * eos_token_id}, the first token where there is none; with the historical {@code eos_token_id} of
   * 2 the first of the tokens with the largest id.
   *
   * @param ids [B*N]
   * @param length N
   */
  public static int[] ends(Config config, int[] ids, int length) {
    int end = config.textConfig().eosTokenId();
    int[] rows = new int[ids.length / length];
    for (int b = 0; b < rows.length; b++) {
      int first = b * length;
      rows[b] = end == HISTORICAL_END ? largest(ids, first, length) : of(end, ids, first, length);
    }
    return rows;
  }

  private static int largest(int[] ids, int first, int length) {
    int found = first;
    for (int n = first + 1; n < first + length; n++) {
      found = ids[n] > ids[found] ? n : found;
    }
    return found;
  }

  private static int of(int end, int[] ids, int first, int length) {
    for (int n = first; n < first + length; n++) {
      if (ids[n] == end) {
        return n;
      }
    }
    return first;
  }

  /** Whether texts that this token ends are pooled at their ends. */
  static boolean endsAt(Config config, int token, int vocabulary) {
    int end = config.textConfig().eosTokenId();
    return end == HISTORICAL_END ? token == vocabulary - 1 : token == end;
  }
}
