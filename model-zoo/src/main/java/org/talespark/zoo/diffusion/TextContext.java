package org.talespark.zoo.diffusion;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.function.UnaryOperator;
import org.talespark.zoo.text.TextEncoder;

/** Where a diffusion model's texts come from; in configuration an object with {@code type}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = TextContext.Encoder.class, name = "encoder"),
  @JsonSubTypes.Type(value = TextContext.Tower.class, name = "tower")
})
public sealed interface TextContext {
  /** Tokens that a text has at most; longer ones are cut. */
  int tokens();

  /** What of a text, as one vector, is added to the time. */
  TextPooling pooling();

  /**
   * Steps of training before which nothing is added to the time. What the whole text tells is
   * learned first, and then little is left to make cross-attention learn which word belongs to
   * which; so cross-attention may be given a lead.
   */
  int poolingAfter();

  /** The same with whole URIs. */
  TextContext located(UnaryOperator<String> absolute);

  /**
   * A small encoder that is trained together with the denoiser.
   *
   * @param tokenizer URI of a {@code tokenizer.json}, or of its directory
   * @param tokenShift whether each token is read together with the one before ({@link
   *     TextEncoder#buildShifted})
   */
  record Encoder(
      String tokenizer,
      int tokens,
      TextPooling pooling,
      @JsonProperty("pooling_after") int poolingAfter,
      @JsonProperty("token_shift") boolean tokenShift,
      TextEncoder.Config model)
      implements TextContext {
    public Encoder {
      if (tokenizer == null) {
        throw new IllegalArgumentException(
            "Cannot configure texts: tokenizer is missing, expected what `talespark tokenizer` wrote; try task.text.tokenizer=DIR");
      }
      pooling = requireNonNullElse(pooling, TextPooling.NONE);
      checkPooling(pooling, poolingAfter);
      requireNonNull(model, "task.text.model");
      checkTokens(tokens, model);
    }

    @JsonCreator
    static Encoder of(
        @JsonProperty("tokenizer") String tokenizer,
        @JsonProperty("tokens") int tokens,
        @JsonProperty("pooling") TextPooling pooling,
        @JsonProperty("pooling_after") Integer poolingAfter,
        @JsonProperty("token_shift") Boolean tokenShift,
        @JsonProperty("model") TextEncoder.Config model) {
      return new Encoder(
          tokenizer,
          tokens,
          pooling,
          requireNonNullElse(poolingAfter, 0),
          requireNonNullElse(tokenShift, false),
          model);
    }

    @Override
    public TextContext located(UnaryOperator<String> absolute) {
      return new Encoder(
          absolute.apply(tokenizer), tokens, pooling, poolingAfter, tokenShift, model);
    }
  }

  /**
   * The text tower of a contrastive model, which stays as it is.
   *
   * @param checkpoint URI of a run or checkpoint with tensors {@code text_model.*}, {@code
   *     text_config} in its configuration and a {@code tokenizer.json}
   */
  record Tower(
      String checkpoint,
      int tokens,
      TextPooling pooling,
      @JsonProperty("pooling_after") int poolingAfter)
      implements TextContext {
    public Tower {
      pooling = requireNonNullElse(pooling, TextPooling.NONE);
      checkPooling(pooling, poolingAfter);
      requireNonNull(checkpoint, "task.text.checkpoint");
    }

    @JsonCreator
    static Tower of(
        @JsonProperty("checkpoint") String checkpoint,
        @JsonProperty("tokens") int tokens,
        @JsonProperty("pooling") TextPooling pooling,
        @JsonProperty("pooling_after") Integer poolingAfter) {
      return new Tower(checkpoint, tokens, pooling, requireNonNullElse(poolingAfter, 0));
    }

    @Override
    public TextContext located(UnaryOperator<String> absolute) {
      return new Tower(absolute.apply(checkpoint), tokens, pooling, poolingAfter);
    }
  }

  private static void checkPooling(TextPooling pooling, int after) {
    if (after < 0 || (after > 0 && pooling == TextPooling.NONE)) {
      throw new IllegalArgumentException(
          "Cannot configure texts: pooling_after=%d, expected %s"
              .formatted(
                  after,
                  pooling == TextPooling.NONE ? "0, as pooling is none" : "a number of steps"));
    }
  }

  /** Refuses texts that are longer than their encoder can read. */
  static void checkTokens(int tokens, TextEncoder.Config model) {
    if (tokens < 2 || tokens > model.maxPositionEmbeddings()) {
      throw new IllegalArgumentException(
          "Cannot configure training: text.tokens=%d, expected 2 to max_position_embeddings=%d"
              .formatted(tokens, model.maxPositionEmbeddings()));
    }
  }
}
