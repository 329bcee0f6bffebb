package org.talespark.data.prepare;

import java.io.Serializable;
import org.talespark.data.Reason;

/**
 * One input as found in a listing, nothing read yet.
 *
 * @param key unique among candidates that are not refused
 * @param source what the index calls it: the picture's path, or the caption's when that is all
 * @param picture null when only a caption was found
 * @param caption the {@code .txt} beside it, or null
 * @param metadata the {@code .json} beside it, or null
 * @param refused why it is rejected unread, or null
 */
record Candidate(
    String key, String source, Found picture, Found caption, Found metadata, Reason refused)
    implements Serializable {

  /** A file of a listing. */
  record Found(String uri, long bytes, long modified) implements Serializable {}

  Candidate refuse(Reason reason) {
    return new Candidate(key, source, picture, caption, metadata, reason);
  }

  Candidate withKey(String other) {
    return new Candidate(other, source, picture, caption, metadata, refused);
  }
}
