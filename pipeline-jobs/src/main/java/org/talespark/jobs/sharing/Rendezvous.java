package org.talespark.jobs.sharing;

import static java.util.Objects.requireNonNull;

import java.io.Serializable;

/**
 * Where the workers of one attempt meet; the driver hands it to their tasks.
 *
 * @param host address of the root, a number
 * @param port UDP port of the root
 * @param workers how many take part
 * @param run drawn at random for each attempt; messages of another are not taken
 */
public record Rendezvous(String host, int port, int workers, long run) implements Serializable {
  /** Checks the number of workers. */
  public Rendezvous {
    requireNonNull(host, "host");
    if (workers < 1) {
      throw new IllegalArgumentException(
          "Cannot share gradients: workers=%d, expected at least 1".formatted(workers));
    }
  }
}
