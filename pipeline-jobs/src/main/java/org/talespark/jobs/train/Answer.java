package org.talespark.jobs.train;

import java.util.List;
import java.util.concurrent.Callable;
import org.talespark.data.BadInputException;
import org.talespark.jobs.exchange.ExchangeException;
import org.talespark.zoo.train.NonFiniteException;

/**
 * What a task tells the driver: its result as JSON, the message of a failure that would only come
 * again if the task were tried again, or that another worker has left. That one's own failure is
 * then the only one that Spark sees, and so the one that it names.
 */
final class Answer {
  private static final String FAILED = "failed: ";
  private static final String BAD_INPUT = "bad input: ";
  private static final String BAD_SETTING = "bad setting: ";
  private static final String LEFT = "left: ";

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
    } catch (ExchangeException e) {
      if (!e.afterGoodbye()) {
        throw e;
      }
      return LEFT + e.getMessage();
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
    if (answer.startsWith(LEFT)) {
      throw new WorkerLeftException(answer.substring(LEFT.length()));
    }
    return answer;
  }

  /**
   * Throws what one of several tasks could not do; that others have left it only if that is all.
   */
  static void check(List<String> answers) {
    answers.stream().filter(answer -> !answer.startsWith(LEFT)).forEach(Answer::check);
    answers.forEach(Answer::check);
  }
}
