package org.talespark.data.prepare;

import java.util.List;
import org.talespark.data.Reason;
import org.talespark.data.dedup.Fingerprint;

/**
 * What was found out about one candidate by itself.
 *
 * @param facts of the picture file
 * @param words its captions, as far as they were looked at
 * @param reason why it is rejected, or null
 * @param sample what goes into a shard; null when it is rejected
 */
record Examined(Facts facts, Words words, Reason reason, Sample sample) {

  /** Fields kept from a sidecar, in the index's words: there is none. */
  static final String NO_METADATA = "none";

  static final String METADATA_KEPT = "kept";
  static final String METADATA_MALFORMED = "malformed";

  /**
   * A picture file; zeros and null for what was not found out.
   *
   * @param width pixels as stored
   * @param height pixels as stored
   * @param format such as {@code jpeg}
   */
  record Facts(int width, int height, String format, long bytes, String sha256) {}

  /**
   * What was said of it.
   *
   * @param repairs places that were no Unicode
   * @param metadata one of the three words above
   */
  record Words(List<String> captions, int repairs, String metadata) {
    static final Words NONE = new Words(List.of(), 0, NO_METADATA);
  }

  /**
   * A converted picture.
   *
   * @param image the file for the shard
   * @param sidecar the fields to add to the sample's JSON, as a JSON object; empty for none
   */
  @SuppressWarnings("ArrayRecordComponent") // files' bytes, compared by nobody
  record Sample(byte[] image, int width, int height, byte[] sidecar, Fingerprint fingerprint) {}
}
