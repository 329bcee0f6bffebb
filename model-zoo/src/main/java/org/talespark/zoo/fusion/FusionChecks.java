package org.talespark.zoo.fusion;

/** What configurations of this package check. */
final class FusionChecks {
  private FusionChecks() {}

  static void check(boolean holds, String key, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot configure fusion: %s=%s, expected %s".formatted(key, value, rule));
    }
  }
}
