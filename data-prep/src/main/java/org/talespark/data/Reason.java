package org.talespark.data;

import java.util.Locale;

/** Why a row was rejected: the closed list that index, manifest and reports use. */
public enum Reason {
  EMPTY_FILE,
  UNSUPPORTED_FORMAT,
  UNDECODABLE,
  TRUNCATED,
  TOO_MANY_PIXELS,
  FILE_TOO_LARGE,
  TOO_SMALL,
  BAD_ASPECT,
  BLANK,
  CAPTION_MISSING,
  CAPTION_EMPTY,
  CAPTION_TOO_LONG,
  PICTURE_MISSING,
  DUPLICATE_KEY,
  DUPLICATE,
  NEAR_DUPLICATE,
  BLOCKED,
  UNSAFE_PATH;

  /** The name in files: lower case with underscores. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The reason of that {@link #id()}; unknown ones fail. */
  public static Reason of(String id) {
    for (Reason reason : values()) {
      if (reason.id().equals(id)) {
        return reason;
      }
    }
    throw new IllegalArgumentException(
        "Cannot read reason: id=%s, expected one of the closed list".formatted(id));
  }
}
