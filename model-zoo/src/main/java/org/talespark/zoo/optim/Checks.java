package org.talespark.zoo.optim;

/** Ranges of configured numbers. */
final class Checks {
  private Checks() {}

  /** At least 0 and below 1. */
  static void fraction(String key, double value) {
    require(value >= 0 && value < 1, key, value, "0 <= %s < 1".formatted(key));
  }

  /** From 0 to 1, both included. */
  static void share(String key, double value) {
    require(value >= 0 && value <= 1, key, value, "0 <= %s <= 1".formatted(key));
  }

  static void notNegative(String key, double value) {
    require(value >= 0 && value < Double.POSITIVE_INFINITY, key, value, "a finite number >= 0");
  }

  static void positive(String key, double value) {
    require(value > 0 && value < Double.POSITIVE_INFINITY, key, value, "a finite number > 0");
  }

  static void require(boolean holds, String key, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot configure training: %s=%s, expected %s".formatted(key, value, expected));
    }
  }
}
