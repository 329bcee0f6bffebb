package org.talespark.data.dataset;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * One picture with its words. The image array is shared, not copied.
 *
 * @param image the picture file (PNG or JPEG)
 * @param metadata the sample's JSON object: source, caption, sizes, and what the corpus knew
 */
@SuppressWarnings("ArrayRecordComponent") // a file's bytes, compared by nobody
public record Sample(String key, byte[] image, String caption, JsonNode metadata) {
  public Sample {
    requireNonNull(key, "key");
    requireNonNull(image, "image");
    requireNonNull(caption, "caption");
    requireNonNull(metadata, "metadata");
  }
}
