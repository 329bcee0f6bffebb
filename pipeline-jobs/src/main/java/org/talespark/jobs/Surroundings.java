package org.talespark.jobs;

import java.io.PrintStream;
import java.util.Objects;

/**
 * What a command line talks to.
 *
 * @param out takes results and nothing else
 * @param err takes progress, logs and errors
 * @param sessions opens Spark sessions
 */
record Surroundings(PrintStream out, PrintStream err, SessionSource sessions) {
  Surroundings {
    Objects.requireNonNull(out, "out");
    Objects.requireNonNull(err, "err");
    Objects.requireNonNull(sessions, "sessions");
  }
}
