package org.talespark.data.caption;

import static java.util.Objects.requireNonNull;

import java.io.Serializable;

/**
 * How captions are cleaned.
 *
 * @param maxCharacters code points that a cleaned caption may have
 */
public record CaptionRules(Normalization normalization, int maxCharacters) implements Serializable {

  public CaptionRules {
    requireNonNull(normalization, "normalization");
    if (maxCharacters < 1) {
      throw new IllegalArgumentException(
          "Cannot clean captions: max_caption_characters=%d, expected >= 1"
              .formatted(maxCharacters));
    }
  }

  /** NFC and 2,000 code points. */
  public static CaptionRules defaults() {
    return new CaptionRules(Normalization.NFC, 2000);
  }
}
