package org.talespark.data.dataset;

import java.util.Locale;

/** The part of a dataset that a sample belongs to. */
public enum Split {
  TRAIN,
  VALIDATION,
  TEST;

  /** The name in files and on the command line. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  public static Split of(String id) {
    for (Split split : values()) {
      if (split.id().equals(id)) {
        return split;
      }
    }
    throw new IllegalArgumentException(
        "Cannot read split: id=%s, expected train, validation or test".formatted(id));
  }
}
