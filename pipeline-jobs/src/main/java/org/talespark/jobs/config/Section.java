package org.talespark.jobs.config;

/**
 * A section of a configuration, whose settings keep rules.
 *
 * @param purpose what cannot be done when a rule is broken
 * @param path of the section; empty for the root
 */
public record Section(String purpose, String path) {
  /**
   * Checks one setting.
   *
   * @param key below the section
   * @throws IllegalArgumentException when the rule does not hold
   */
  public void check(boolean holds, String key, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "Cannot %s: %s=%s, expected %s"
              .formatted(purpose, KeyPath.child(path, key), value, rule));
    }
  }
}
