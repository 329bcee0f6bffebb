package org.talespark.data.prepare;

import org.talespark.data.Reason;

/** What became of one candidate. */
sealed interface Examined {

  /** What is known of a picture file; zeros and null for what was not found out. */
  record Facts(int width, int height, long bytes, String sha256) {
    static Facts of(Candidate candidate) {
      return new Facts(0, 0, candidate.picture() == null ? 0 : candidate.picture().bytes(), null);
    }
  }

  Facts facts();

  /** A sample, ready for a shard. */
  @SuppressWarnings("ArrayRecordComponent") // files' bytes, compared by nobody
  record Accepted(
      Facts facts, String caption, int repairs, String metadata, byte[] image, byte[] json)
      implements Examined {}

  /** A row that stays in the index only. */
  record Rejected(Facts facts, Reason reason) implements Examined {}
}
