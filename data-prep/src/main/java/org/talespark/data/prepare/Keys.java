package org.talespark.data.prepare;

import java.nio.charset.StandardCharsets;
import org.talespark.data.Sha256;
import org.talespark.data.dataset.Split;

/**
 * Sample keys: fit for WebDataset (no dot, no slash), for a ustar name, and the same on every run.
 */
final class Keys {

  /** A ustar name has up to 99 bytes and a zero; the longest extension takes five. */
  private static final int MOST_CHARACTERS = 94;

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

  /** A key that other stems share, told apart by a digest of the stem. */
  static String digested(String key, String stem) {
    String digest =
        Sha256.hex(stem.getBytes(StandardCharsets.UTF_8)).substring(0, DIGEST_CHARACTERS);
    int room = MOST_CHARACTERS - DIGEST_CHARACTERS - 1;
    return key.substring(0, Math.min(key.length(), room)) + "-" + digest;
  }

  /** The split of a key: its hash as a share of 1, validation first, then test, then training. */
  static Split split(String key, double validation, double test) {
    byte[] hash = Sha256.digest().digest(key.getBytes(StandardCharsets.UTF_8));
    long bits = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      bits = bits << 8 | (hash[i] & 0xFF);
    }
    double share = (bits >>> 11) * 0x1.0p-53;
    return share < validation
        ? Split.VALIDATION
        : share < validation + test ? Split.TEST : Split.TRAIN;
  }

  /** The place of a key in an order that depends on nothing but the seed: a hash in hexadecimal. */
  static String shuffled(String key, long seed) {
    byte[] bytes = (seed + ":" + key).getBytes(StandardCharsets.UTF_8);
    return Sha256.hex(bytes).substring(0, 2 * Long.BYTES);
  }
}
