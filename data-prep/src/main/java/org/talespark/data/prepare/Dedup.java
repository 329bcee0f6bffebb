package org.talespark.data.prepare;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** Which copies of a picture are dropped. */
public enum Dedup {
  /** None. */
  NONE,
  /** Files of the same bytes. */
  EXACT,
  /** Also pictures that look the same: scaled, compressed again, slightly changed. */
  NEAR;

  /** The name in configuration files: lower case. */
  @JsonValue
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads {@code none}, {@code exact} or {@code near}; {@code false} and {@code true} mean the
   * first two.
   *
   * @throws IllegalArgumentException for anything else
   */
  @JsonCreator
  public static Dedup of(Object value) {
    for (Dedup dedup : values()) {
      if (dedup.id().equals(value)) {
        return dedup;
      }
    }
    if (value instanceof Boolean exact) {
      return exact ? EXACT : NONE;
    }
    throw new IllegalArgumentException(
        "Cannot prepare: prepare.dedup=%s, expected none, exact or near".formatted(value));
  }
}
