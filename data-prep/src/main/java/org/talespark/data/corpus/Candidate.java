package org.talespark.data.corpus;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.talespark.data.Reason;

/**
 * One input as found, its bytes not yet judged.
 *
 * <p>Without captions, a caption may still be among the metadata's fields: the content of a sidecar
 * is not looked into here.
 *
 * @param name what the sample's key is made of; it may have any characters
 * @param stem what the name stands for: candidates with different stems never are duplicate keys
 * @param source what the index calls it; unique in a listing and the same on every run
 * @param picture null when there is none
 * @param captions raw, in order, maybe none
 * @param metadata a JSON object as far as its writer kept to it, or null
 * @param refused why it is rejected unread, or null
 */
public record Candidate(
    String name,
    String stem,
    String source,
    Blob picture,
    List<Blob> captions,
    Blob metadata,
    Reason refused) {

  public Candidate {
    requireNonNull(name, "name");
    requireNonNull(stem, "stem");
    requireNonNull(source, "source");
    captions = List.copyOf(captions);
  }

  /** A candidate of which nothing but its name is known. */
  static Candidate refused(String name, String stem, String source, Reason reason) {
    return new Candidate(
        name, stem, source, null, List.of(), null, requireNonNull(reason, "reason"));
  }
}
