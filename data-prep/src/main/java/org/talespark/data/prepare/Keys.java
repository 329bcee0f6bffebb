package org.talespark.data.prepare;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.talespark.data.Reason;
import org.talespark.data.dataset.Split;

/**
 * Sample keys: fit for WebDataset (no dot, no slash), for a ustar name, and the same on every run.
 */
final class Keys {

  /** A ustar name has 100 bytes; the longest extension takes five. */
  private static final int MOST_CHARACTERS = 95;

  private static final int DIGEST_CHARACTERS = 10;

  private Keys() {}

  /** The key of a relative path without its extension, safe but not yet unique. */
  static String of(String stem) {
    StringBuilder key = new StringBuilder(stem.length());
    for (int i = 0; i < stem.length(); i++) {
      char c = stem.charAt(i);
      boolean plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
      key.append(plain ? c : '_');
    }
    if (key.isEmpty() || key.charAt(0) == '_' || key.charAt(0) == '-') {
      key.insert(0, 'k'); // leading underscores mark metadata in WebDataset
    }
    return key.length() > MOST_CHARACTERS ? digested(key.toString(), stem) : key.toString();
  }

  /**
   * Makes keys unique and sorts by key. Different stems that share a key all get a digest of their
   * stem; of several pictures with the same stem the first by source keeps the key, the others are
   * refused as {@code duplicate_key}.
   */
  static List<Candidate> unique(List<Candidate> candidates, List<String> stems) {
    Map<String, String> stemOfKey = new HashMap<>();
    Map<String, Boolean> shared = new HashMap<>();
    for (int i = 0; i < candidates.size(); i++) {
      String stem = stems.get(i);
      String earlier = stemOfKey.putIfAbsent(candidates.get(i).key(), stem);
      if (earlier != null && !earlier.equals(stem)) {
        shared.put(candidates.get(i).key(), true);
      }
    }
    List<Candidate> keyed = new ArrayList<>(candidates.size());
    for (int i = 0; i < candidates.size(); i++) {
      Candidate c = candidates.get(i);
      keyed.add(shared.containsKey(c.key()) ? c.withKey(digested(c.key(), stems.get(i))) : c);
    }
    keyed.sort(Comparator.comparing(Candidate::key).thenComparing(Candidate::source));
    String last = null;
    for (int i = 0; i < keyed.size(); i++) {
      Candidate c = keyed.get(i);
      if (c.key().equals(last) && c.refused() == null) {
        keyed.set(i, c.refuse(Reason.DUPLICATE_KEY));
      }
      last = c.refused() == null ? c.key() : last;
    }
    return keyed;
  }

  private static String digested(String key, String stem) {
    String digest =
        HexFormat.of()
            .formatHex(sha256().digest(stem.getBytes(StandardCharsets.UTF_8)))
            .substring(0, DIGEST_CHARACTERS);
    int room = MOST_CHARACTERS - DIGEST_CHARACTERS - 1;
    return key.substring(0, Math.min(key.length(), room)) + "-" + digest;
  }

  /** The split of a key: its hash as a share of 1, validation first, then test, then training. */
  static Split split(String key, double validation, double test) {
    byte[] hash = sha256().digest(key.getBytes(StandardCharsets.UTF_8));
    long bits = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      bits = bits << 8 | (hash[i] & 0xFF);
    }
    double share = (bits >>> 11) * 0x1.0p-53;
    return share < validation
        ? Split.VALIDATION
        : share < validation + test ? Split.TEST : Split.TRAIN;
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot hash: no SHA-256 in this Java", e);
    }
  }
}
