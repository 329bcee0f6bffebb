package org.talespark.data.prepare;

import java.io.Serializable;
import org.talespark.data.Reason;
import org.talespark.data.dataset.Split;

/**
 * One row of the index; small, so that rows (about half a kilobyte each) can meet on the driver
 * while pictures never do.
 *
 * @param split null for rejected rows
 * @param reason null for accepted rows
 * @param spilled where the sample waits for its shard; null for rejected rows
 */
record Row(
    String key,
    String source,
    Split split,
    String caption,
    Reason reason,
    int width,
    int height,
    long bytes,
    String sha256,
    int repairs,
    String metadata,
    Spilled spilled)
    implements Serializable {

  /** A stretch of a spill file: image, caption and JSON one behind another. */
  record Spilled(String file, long offset, int imageBytes, int captionBytes, int jsonBytes)
      implements Serializable {}

  boolean accepted() {
    return reason == null;
  }

  Row reject(Reason why) {
    return new Row(
        key, source, null, caption, why, width, height, bytes, sha256, repairs, metadata, null);
  }
}
