package org.talespark.jobs.train;

import java.util.concurrent.Callable;
import org.talespark.data.BadInputException;
import org.talespark.zoo.train.NonFiniteException;

/**
 * What a task tells the driver: its result as JSON, or the message of a failure that would only
 * come again if the task were tried again.
 */
final class Answer {
  private static final String FAILED = "failed: ";
  private static final String BAD_INPUT = "bad input: ";
  private static final String BAD_SETTING = "bad setting: ";

  private Answer() {}

  /** Runs the work; failures that may go away when it is tried again are thrown. */
  static String of(Callable<?> work) throws Exception {
    try {
      return LearnerFiles.JSON.writeValueAsString(work.call());
    } catch (NonFiniteException e) {
      return FAILED + e.getMessage();
    } catch (BadInputException e) {
      return BAD_INPUT + e.getMessage();
    } catch (IllegalArgumentException e) {
      return BAD_SETTING + e.getMessage();
    }
  }

  /** The JSON of an answer; throws here what the task could not do. */
  static String check(String answer) {
    if (answer.startsWith(FAILED)) {
      throw new TrainingFailedException(answer.substring(FAILED.length()));
    }
    if (answer.startsWith(BAD_INPUT)) {
      throw new BadInputException(answer.substring(BAD_INPUT.length()));
    }
    if (answer.startsWith(BAD_SETTING)) {
      throw new IllegalArgumentException(answer.substring(BAD_SETTING.length()));
    }
    return answer;
  }
}
