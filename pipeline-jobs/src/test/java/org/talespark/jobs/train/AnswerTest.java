package org.talespark.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;
import org.talespark.data.BadInputException;

class AnswerTest {
  private static final String LEFT = "left: Cannot finish all-reduce: rank 1 has left the exchange";

  @Test
  void failuresThatWouldComeAgainAreAnsweredAndOthersThrown() throws Exception {
    assertThat(Answer.of(() -> 12)).isEqualTo("12");
    String answer =
        Answer.of(
            () -> {
              throw new BadInputException("no pictures");
            });
    assertThatThrownBy(() -> Answer.check(answer))
        .isInstanceOf(BadInputException.class)
        .hasMessage("no pictures");
    assertThatThrownBy(
            () ->
                Answer.of(
                    () -> {
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(IOException.class);
  }

  @Test
  void thatAnotherWorkerLeftIsToldOnlyWhenNothingElseIs() {
    assertThatCode(() -> Answer.check(List.of("{}", "null"))).doesNotThrowAnyException();
    assertThatThrownBy(() -> Answer.check(List.of(LEFT, "bad input: shard=3", LEFT)))
        .isInstanceOf(BadInputException.class)
        .hasMessage("shard=3");
    assertThatThrownBy(() -> Answer.check(List.of("{}", LEFT)))
        .isInstanceOf(WorkerLeftException.class)
        .hasMessageContaining("rank 1 has left");
  }

  @Test
  void theReasonIsInTheWordsOfTheTaskThatFailed() {
    String stage =
        "Job aborted due to stage failure: Could not recover from a failed barrier ResultStage."
            + " Most recent failure reason: Stage failed because barrier task ResultTask(3, 0)"
            + " finished unsuccessfully.\n";
    assertThat(
            BarrierRun.reason(
                new SparkException(
                    stage + "java.io.IOException: No space left on device\n\tat a.B.c(B.java:1)")))
        .isEqualTo("java.io.IOException: No space left on device");
    assertThat(BarrierRun.reason(new SparkException("Job aborted"))).isEqualTo("Job aborted");
    assertThat(BarrierRun.reason(new WorkerLeftException("rank 1 has left")))
        .isEqualTo("rank 1 has left");
    assertThat(BarrierRun.reason(new IOException())).isEqualTo("java.io.IOException");
  }
}
