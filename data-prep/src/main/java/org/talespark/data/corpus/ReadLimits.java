package org.talespark.data.corpus;

import java.io.Serializable;

/**
 * How much of an input may be in memory. What is longer is never read; it keeps its length in
 * {@link Blob#bytes()}.
 *
 * @param maxFileBytes length that a picture may have
 * @param maxCaptionBytes length that a raw caption may have
 */
public record ReadLimits(long maxFileBytes, int maxCaptionBytes) implements Serializable {

  /** Length that a sidecar or a row's metadata may have. */
  public static final int MAX_METADATA_BYTES = 4 << 20;

  public ReadLimits {
    if (maxFileBytes < 1 || maxFileBytes > 1 << 30) {
      throw new IllegalArgumentException(
          "Cannot limit reading: max_file_bytes=%d, expected 1 to %d"
              .formatted(maxFileBytes, 1 << 30));
    }
    if (maxCaptionBytes < 1 || maxCaptionBytes > 64 << 20) {
      throw new IllegalArgumentException(
          "Cannot limit reading: max_caption_bytes=%d, expected 1 to %d"
              .formatted(maxCaptionBytes, 64 << 20));
    }
  }

  /** Length that a manifest's row may have: a caption and metadata. */
  int maxRowBytes() {
    return maxCaptionBytes + MAX_METADATA_BYTES;
  }
}
