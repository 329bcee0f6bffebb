package org.talespark.jobs;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.talespark.data.BadInputException;
import picocli.CommandLine.ParameterException;

/** What the process tells its caller. */
final class ExitCode {

  static final int DONE = 0;
  static final int BAD_USAGE = 2;
  static final int BAD_INPUT = 3;
  static final int FAILED = 4;

  private ExitCode() {}

  /**
   * The code for a failure. Bad input is recognised below other exceptions too, because Spark wraps
   * what its tasks throw; a wrapped IllegalArgumentException, though, is a failure while running.
   */
  static int of(Throwable failure) {
    Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Throwable t = failure; t != null && seen.add(t); t = t.getCause()) {
      if (t instanceof BadInputException) {
        return BAD_INPUT;
      }
    }
    return failure instanceof IllegalArgumentException || failure instanceof ParameterException
        ? BAD_USAGE
        : FAILED;
  }
}
