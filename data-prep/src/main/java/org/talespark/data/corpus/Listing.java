package org.talespark.data.corpus;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * What inputs hold, cut into portions; of pictures and texts nothing but names and lengths has been
 * read.
 *
 * @param portions in the order of the inputs and of their names
 * @param fingerprint SHA-256 in hexadecimal over names, lengths and times of change of all files
 *     found; pictures that a manifest or Parquet file names by path are not among them
 */
public record Listing(List<Portion> portions, String fingerprint) {

  public Listing {
    portions = List.copyOf(portions);
    requireNonNull(fingerprint, "fingerprint");
  }
}
