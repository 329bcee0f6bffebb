package org.talespark.jobs.doctor;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * One thing that was looked at.
 *
 * @param name what, in snake case
 * @param status how it stands
 * @param found what was found
 * @param remedy what to do about it, empty when nothing
 */
public record Check(String name, Status status, String found, String remedy) {

  /** How a check ended. */
  public enum Status {
    @JsonProperty("ok")
    OK,
    @JsonProperty("warning")
    WARNING,
    @JsonProperty("failed")
    FAILED
  }

  static Check ok(String name, Object found) {
    return new Check(name, Status.OK, String.valueOf(found), "");
  }

  static Check warning(String name, Object found, String remedy) {
    return new Check(name, Status.WARNING, String.valueOf(found), remedy);
  }

  static Check failed(String name, Object found, String remedy) {
    return new Check(name, Status.FAILED, String.valueOf(found), remedy);
  }

  /** One line for a terminal, and one more with the remedy when there is one. */
  String line() {
    String mark = status == Status.OK ? "ok" : status.name();
    String fix = remedy.isEmpty() ? "" : "%11s %-19s try: %s%n".formatted("", "", remedy);
    return "  %-8s %-20s %s%n".formatted(mark, name, found) + fix;
  }

  boolean failed() {
    return status == Status.FAILED;
  }
}
